"""Element-wise activations. One class a function, so that each is an operator with a name of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import OperatorCost, PerElement, TensorShape


class Activation(PerElement):
    """A function of every element, counted as one operation per element."""

    __slots__ = ()

    elementwise: ClassVar[bool] = True


class Relu(Activation):
    """``max(x, 0)``."""

    __slots__ = ()

    op: ClassVar[str] = "relu"
    summary: ClassVar[str] = "max(x, 0)"


class Relu6(Activation):
    """``min(max(x, 0), 6)``."""

    __slots__ = ()

    op: ClassVar[str] = "relu6"
    summary: ClassVar[str] = "min(max(x, 0), 6)"


@dataclass(frozen=True, slots=True)
class LeakyRelu(Activation):
    """``x`` above 0, ``slope * x`` below; a slope of 0.01 unless it says otherwise, as in PyTorch and ONNX."""

    op: ClassVar[str] = "leaky_relu"
    summary: ClassVar[str] = "x above 0, slope * x below"

    slope: float = 0.01


class Prelu(Activation):
    """``max(x, slope[c] * x)`` with a trained slope a channel."""

    __slots__ = ()

    op: ClassVar[str] = "prelu"
    summary: ClassVar[str] = "leaky ReLU with a trained slope a channel"

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        return PerElement.cost(self, inputs, output)._replace(weight_elements=output.channels)


class Elu(Activation):
    """``x`` above 0, ``exp(x) - 1`` below."""

    __slots__ = ()

    op: ClassVar[str] = "elu"
    summary: ClassVar[str] = "x above 0, exp(x) - 1 below"


class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    __slots__ = ()

    op: ClassVar[str] = "sigmoid"
    summary: ClassVar[str] = "1 / (1 + exp(-x))"


class HardSigmoid(Activation):
    """``relu6(x + 3) / 6`` (Howard et al. 2019, arXiv:1905.02244)."""

    __slots__ = ()

    op: ClassVar[str] = "hard_sigmoid"
    summary: ClassVar[str] = "relu6(x + 3) / 6"


class Swish(Activation):
    """``x * sigmoid(x)``, also called SiLU."""

    __slots__ = ()

    op: ClassVar[str] = "swish"
    summary: ClassVar[str] = "x * sigmoid(x), also called SiLU"


class HardSwish(Activation):
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019, arXiv:1905.02244)."""

    __slots__ = ()

    op: ClassVar[str] = "hard_swish"
    summary: ClassVar[str] = "x * relu6(x + 3) / 6"


class Tanh(Activation):
    """Hyperbolic tangent."""

    __slots__ = ()

    op: ClassVar[str] = "tanh"
    summary: ClassVar[str] = "hyperbolic tangent"


class Gelu(Activation):
    """``x * Phi(x)`` with the normal distribution's Phi."""

    __slots__ = ()

    op: ClassVar[str] = "gelu"
    summary: ClassVar[str] = "x * Phi(x)"


class Mish(Activation):
    """``x * tanh(softplus(x))`` (Misra 2019, arXiv:1908.08681)."""

    __slots__ = ()

    op: ClassVar[str] = "mish"
    summary: ClassVar[str] = "x * tanh(softplus(x))"


class Softplus(Activation):
    """``log(1 + exp(x))``."""

    __slots__ = ()

    op: ClassVar[str] = "softplus"
    summary: ClassVar[str] = "log(1 + exp(x))"
