"""How settings read in a legend, and what a class has raised in a line."""

from __future__ import annotations

from typing import Any

from gdsim.errors import printable

__all__ = ["bare", "reason", "setting", "words"]

EXPLAINED = {
    "Tensor.__contains__": "it takes its parameters in groups that are marked one by one, which gdsim does not make",
    "does not require grad": "it differentiates by itself, and neither in a closure nor by backward(create_graph=True)",
    "only supports 2D parameters": "it moves matrices only",
    "inplace": "it moves the point before it differentiates the gradient, which PyTorch does not allow",
    "got dtype double": "it keeps numbers of single precision by default, which do not mix with points of double",
}
"""What lies behind words that come from deep inside torch."""


def words(error: BaseException) -> str:
    """Return the first line of what an exception says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def reason(error: BaseException) -> str:
    """Return why a class has raised an exception, as far as it is known, or else in its own words."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "it has no step() of its own"
    said = words(error)
    return next((meant for part, meant in EXPLAINED.items() if part in said), said)


def bare(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rpartition(".")[2]


def setting(name: str, value: Any) -> str:
    """Return an argument as a legend says it: `"weight decay 0.1"`."""
    said = name.replace("_", " ")
    return said if value is True else f"{said} {_value(value)}"


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "off" if not value else "on"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_value, value))})"
    return printable(str(value))
