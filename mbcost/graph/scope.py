"""Scopes of names while a table is run: values for expressions, tensors for inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from mbcost.architectures.backbone import MAX_STRIDE
from mbcost.architectures.expressions import EvaluationError, Expression
from mbcost.architectures.fields import FieldError, FieldKind, number, operator_fields, whole
from mbcost.architectures.names import read_activation
from mbcost.architectures.scaling import WidthRule
from mbcost.architectures.spec import FieldExpression, NominalWidth, OptionValue, RowFrame
from mbcost.errors import Location, fail
from mbcost.numeric import holds_for_all, is_scalar, one_value
from mbcost.operators import ACTIVATIONS, OPERATOR_BY_NAME, Operator, TensorShape

_COMPARE: Final = "compare it with a number, as in `stride == 1`"
_DIM: Final[FieldKind] = operator_fields(OPERATOR_BY_NAME["conv2d"])["out"].kind


class Tensor(NamedTuple):
    """A tensor: its producer and its shape."""

    producer: int
    shape: TensorShape


@dataclass(slots=True)
class Atrous:
    """Limits the product of strides: further strides become dilation.

    As in tensorflow/models, research/slim/nets/mobilenet/mobilenet.py: the layer that loses its stride keeps the
    dilation of the layers before it; the layers after it are dilated by its stride too.
    """

    limit: int
    stride: int = 1
    rate: int = 1

    def apply(self, fields: dict[str, Any], operator: type[Operator]) -> None:
        """Change the stride and the dilation of a layer that is about to be built."""
        rate, stride = self.rate, fields.get("stride", (1, 1))[0]
        if stride > 1 and self.stride * stride > self.limit:
            fields["stride"] = (1, 1)
            self.rate *= stride
        else:
            self.stride *= stride
        if rate > 1 and "dilation" in operator_fields(operator) and fields.get("kernel", (1, 1)) != (1, 1):
            fields["dilation"] = (rate, rate)


def shared_values(
    options: Mapping[str, OptionValue], alpha: float, rule: WidthRule | None, image: TensorShape
) -> dict[str, Any]:
    """What expressions read everywhere in a table."""
    values: dict[str, Any] = {**options, "alpha": alpha, "image_height": image.height, "image_width": image.width}
    if rule is not None:
        values["width"] = lambda nominal: rule(nominal, alpha)
    return values


@dataclass(slots=True)
class Scope:
    """The names in a table, or in one use of a block.

    Attributes
    ----------
    values
        Values for expressions: options, alpha, the block's parameters, and the shape of its input. In a table, the
        shape is that of each row's own input.
    tensors
        Tensors for ``inputs``.
    prefix
        Prefix of the names of layers.
    shared
        Values for expressions in every block of the same table.
    rule
        The table's width rule.
    block
        Name of the table's row that the layers belong to; None in the table itself.
    until
        Name of the row after which the table ends.
    atrous
        Turns strides into dilation, in backbones of segmentation networks.
    """

    values: dict[str, Any]
    tensors: dict[str, Tensor]
    prefix: str
    shared: Mapping[str, Any]
    rule: WidthRule | None
    counts: dict[str, int] = field(default_factory=dict)
    block: str | None = None
    until: str | None = None
    atrous: Atrous | None = None

    def inside(self, path: str, values: dict[str, Any], x: Tensor) -> Scope:
        """The scope of a block that this one uses."""
        tensors = {"input": x}
        return Scope(values, tensors, f"{path}/", self.shared, self.rule, block=self.block or path, atrous=self.atrous)

    def name(self, wanted: str | None, op: str, repeats: bool) -> str:
        """A name for a row: the wanted one, or one with a number that no earlier row has."""
        if wanted is not None and not repeats:
            return wanted
        stem = wanted or op
        count = self.counts.get(stem, 0) + 1
        while (name := f"{stem}_{count}") in self.tensors:
            count += 1
        self.counts[stem] = count
        return name

    def see(self, x: Tensor, index: int) -> None:
        """Make a row of the table read its own input's shape, and the number of its repeat."""
        if self.block is None:
            height, width, channels = x.shape
            values = self.values
            values["in_channels"] = values["base_in_channels"] = channels
            values["in_height"], values["in_width"], values["index"] = height, width, index

    def evaluate(self, expression: Expression, place: FieldExpression | NominalWidth | RowFrame, key: str = "") -> Any:
        """The value of an expression of `place`; of its cell `key`, if that is a row."""
        try:
            return expression(self.values)
        except EvaluationError as error:
            location = place.place(key) if isinstance(place, RowFrame) else place.location
            fail("MB205", f"`{expression.text}` cannot be computed: {error}", location)

    def field(self, item: FieldExpression) -> Any:
        """The value of an operator's field or a block's parameter."""
        value = self.evaluate(item.expression, item)
        assert item.kind.convert is not None
        try:
            return item.kind.convert(value)
        except FieldError as error:
            fail("MB205", f"`{item.name}: {item.expression.text}`: {error}", item.location, error.hint)

    def holds(self, frame: RowFrame) -> bool:
        """Whether a row's ``when`` holds; a row without one is there."""
        when = frame.when
        if when is None:
            return True
        value = self.evaluate(when, frame, "when")
        if is_scalar(value):
            if value not in (0, 1):
                message = f"`when: {when.text}` is {value}, neither true nor false"
                fail("MB205", message, frame.place("when"), _COMPARE)
            return bool(value)
        return holds_for_all(value)

    def repeat(self, frame: RowFrame) -> int:
        """The number of repeats of a row."""
        if isinstance(frame.repeat, int):
            return frame.repeat
        value = self.evaluate(frame.repeat, frame, "repeat")
        try:
            return int(one_value(whole(value, 0, 1000)))
        except (FieldError, TypeError) as error:
            fail("MB205", f"`repeat: {frame.repeat.text}`: {error}", frame.place("repeat"))

    def option(self, value: OptionValue | Expression, frame: RowFrame) -> OptionValue:
        """The value of a backbone's option."""
        if not isinstance(value, Expression):
            return value
        result = self.evaluate(value, frame, "options")
        assert isinstance(result, (bool, int, float))  # options and constants are all that the expression reads
        return result

    def output_stride(self, value: int | Expression, frame: RowFrame) -> int:
        """The output stride from which a backbone's strides become dilation."""
        if not isinstance(value, Expression):
            return value
        try:
            return int(whole(self.evaluate(value, frame, "output_stride"), 1, MAX_STRIDE))
        except FieldError as error:
            fail("MB205", f"`output_stride: {value.text}`: {error}", frame.place("output_stride"))

    def width(self, nominal: NominalWidth) -> Any:
        """Printed channels, scaled and rounded by the table's rule [channels]."""
        channels: Any = nominal.channels
        if isinstance(channels, Expression):
            channels = self.evaluate(channels, nominal)
        scale = None if nominal.scale is None else self.evaluate(nominal.scale, nominal)
        assert _DIM.convert is not None
        try:
            if scale is not None and self.rule is not None:
                channels = self.rule(number(channels), number(scale))
            return _DIM.convert(channels)
        except FieldError as error:
            fail("MB205", f"`out`: {error}", nominal.location)

    def activation(self, parameter: str, location: Location) -> str | None:
        """The activation that a block's parameter names; None for ``none``."""
        value = self.values.get(parameter)
        word = read_activation(str(value))
        if word == "none":
            return None
        if word not in ACTIVATIONS:
            fail("MB103", f"`{value}` is not an activation", location, f"one of {', '.join(ACTIVATIONS)} or none")
        return word
