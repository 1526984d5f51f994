"""Element-wise activations. One class a function, so that each is an operator with a name of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Operator, OperatorCost, TensorShape


@dataclass(frozen=True, slots=True)
class Activation(Operator):
    """A function of every element; one operation an element whatever the function."""

    elementwise: ClassVar[bool] = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return inputs[0]

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(elementwise_ops=elements, input_elements=elements, output_elements=elements)


@dataclass(frozen=True, slots=True)
class Relu(Activation):
    """``max(x, 0)``."""

    op: ClassVar[str] = "relu"
    summary: ClassVar[str] = "max(x, 0)"


@dataclass(frozen=True, slots=True)
class Relu6(Activation):
    """``min(max(x, 0), 6)``."""

    op: ClassVar[str] = "relu6"
    summary: ClassVar[str] = "min(max(x, 0), 6)"


@dataclass(frozen=True, slots=True)
class LeakyRelu(Activation):
    """``max(x, slope * x)``."""

    op: ClassVar[str] = "leaky_relu"
    summary: ClassVar[str] = "max(x, slope * x)"


@dataclass(frozen=True, slots=True)
class Prelu(Activation):
    """``max(x, slope[c] * x)`` with a trained slope a channel."""

    op: ClassVar[str] = "prelu"
    summary: ClassVar[str] = "leaky ReLU with a trained slope a channel"

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        return Activation.cost(self, inputs, output)._replace(weight_elements=output.channels)


@dataclass(frozen=True, slots=True)
class Elu(Activation):
    """``x`` above 0, ``exp(x) - 1`` below."""

    op: ClassVar[str] = "elu"
    summary: ClassVar[str] = "x above 0, exp(x) - 1 below"


@dataclass(frozen=True, slots=True)
class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``."""

    op: ClassVar[str] = "sigmoid"
    summary: ClassVar[str] = "1 / (1 + exp(-x))"


@dataclass(frozen=True, slots=True)
class HardSigmoid(Activation):
    """``relu6(x + 3) / 6`` (Howard et al. 2019, arXiv:1905.02244)."""

    op: ClassVar[str] = "hard_sigmoid"
    summary: ClassVar[str] = "relu6(x + 3) / 6"


@dataclass(frozen=True, slots=True)
class Swish(Activation):
    """``x * sigmoid(x)``, also called SiLU."""

    op: ClassVar[str] = "swish"
    summary: ClassVar[str] = "x * sigmoid(x), also called SiLU"


@dataclass(frozen=True, slots=True)
class HardSwish(Activation):
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019, arXiv:1905.02244)."""

    op: ClassVar[str] = "hard_swish"
    summary: ClassVar[str] = "x * relu6(x + 3) / 6"


@dataclass(frozen=True, slots=True)
class Tanh(Activation):
    """Hyperbolic tangent."""

    op: ClassVar[str] = "tanh"
    summary: ClassVar[str] = "hyperbolic tangent"


@dataclass(frozen=True, slots=True)
class Gelu(Activation):
    """``x * Phi(x)`` with the normal distribution's Phi."""

    op: ClassVar[str] = "gelu"
    summary: ClassVar[str] = "x * Phi(x)"


@dataclass(frozen=True, slots=True)
class Mish(Activation):
    """``x * tanh(softplus(x))`` (Misra 2019, arXiv:1908.08681)."""

    op: ClassVar[str] = "mish"
    summary: ClassVar[str] = "x * tanh(softplus(x))"


@dataclass(frozen=True, slots=True)
class Softplus(Activation):
    """``log(1 + exp(x))``."""

    op: ClassVar[str] = "softplus"
    summary: ClassVar[str] = "log(1 + exp(x))"
