"""Values that are constants, or functions of the coordinates once these are known."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Columns", "Number", "Truth", "applied", "as_tensor", "both", "choice", "connected", "either"]

# One tensor a coordinate, each (…).
Columns: TypeAlias = "Sequence[Tensor]"
Number: TypeAlias = "float | Callable[[Columns], Tensor]"
Truth: TypeAlias = "bool | Callable[[Columns], Tensor]"


def applied(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a function to constants now, or to functions of the coordinates when these are known."""
    match values:
        case _ if not any(map(callable, values)):
            return function(*values)
        case (value,):
            return lambda columns: function(value(columns))
        case left, right if not callable(left):
            return lambda columns: function(left, right(columns))
        case left, right if not callable(right):
            return lambda columns: function(left(columns), right)
        case left, right:
            return lambda columns: function(left(columns), right(columns))
        case _:
            return lambda columns: function(*(value(columns) for value in values))


def both(left: Truth, right: Truth) -> Truth:
    """Join two conditions by `and`."""
    return applied(operator.and_, left, right)  # type: ignore[no-any-return]


def either(left: Truth, right: Truth) -> Truth:
    """Join two conditions by `or`."""
    return applied(operator.or_, left, right)  # type: ignore[no-any-return]


def as_tensor(value: Number) -> Callable[[Columns], Tensor]:
    """Make a constant a tensor without dimensions, for functions that take no plain number."""
    return value if callable(value) else lambda columns: columns[0].new_tensor(value)


def connected(value: Number) -> Callable[[Columns], Tensor]:
    """Give a constant a gradient, which is 0: a function may be made of nothing but steps."""
    return value if callable(value) else lambda columns: columns[0] ** 0 * value


def choice(
    condition: Callable[[Columns], Tensor],
    this: Callable[[Columns], Tensor],
    that: Callable[[Columns], Tensor],
) -> Callable[[Columns], Tensor]:
    """Take the one value where a condition holds, and the other elsewhere."""

    def choose(columns: Columns) -> Tensor:
        truth = condition(columns)
        # The side not taken may have no finite slope, and 0 * inf is NaN: it sees coordinates without a gradient.
        here = this([column.where(truth, column.detach()) for column in columns])
        return here.where(truth, that([column.detach().where(truth, column) for column in columns]))

    return choose
