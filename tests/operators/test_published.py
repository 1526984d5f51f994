"""Published counts of single layers (Howard et al. 2017, "MobileNets", arXiv:1704.04861)."""

from __future__ import annotations

import pytest

from mbcost.operators import Conv2d, DepthwiseConv2d, Operator, OperatorCost, TensorShape


def total(x: TensorShape, *operators: Operator) -> OperatorCost:
    """Cost of operators one after the other."""
    cost = OperatorCost()
    for operator in operators:
        output = operator.output_shape((x,))
        cost += operator.cost((x,), output)
        x = output
    return cost


STANDARD = Conv2d(out=128, kernel=(3, 3))
SEPARABLE = (DepthwiseConv2d(), Conv2d(out=128))


def test_vgg_layer_and_its_separable_form() -> None:
    """Section 3.1: a separable convolution takes 1 / N + 1 / K^2 of the MACs."""
    x = TensorShape(112, 112, 64)
    standard, separable = total(x, STANDARD).macs, total(x, *SEPARABLE).macs
    assert standard == 924_844_032
    assert separable == 109_985_792
    assert separable / standard == pytest.approx(1 / 128 + 1 / 9, rel=1e-12)
    assert round(separable / standard, 4) == 0.1189


@pytest.mark.parametrize(
    ("layers", "channels", "resolution", "mega_macs", "mega_params"),
    [
        ("standard", 512, 14, "462", "2.36"),
        ("separable", 512, 14, "52.3", "0.27"),
        ("separable", 384, 14, "29.6", "0.15"),  # alpha 0.75
        ("separable", 384, 10, "15.1", "0.15"),  # and rho 0.714
    ],
)
def test_table_3(layers: str, channels: int, resolution: int, mega_macs: str, mega_params: str) -> None:
    """Table 3: a 3x3 layer of 14 x 14 x 512 inside MobileNet, thinner, and at lower resolution."""
    conv = Conv2d(out=channels, kernel=(3, 3))
    separable = (DepthwiseConv2d(), Conv2d(out=channels))
    x = TensorShape(resolution, resolution, channels)
    cost = total(x, *((conv,) if layers == "standard" else separable))
    digits = len(mega_macs.partition(".")[2])
    assert f"{cost.macs / 1e6:.{digits}f}" == mega_macs
    assert f"{cost.weight_elements / 1e6:.2f}" == mega_params
