"""Settings as text in a legend, and the exceptions of classes as one line."""

from __future__ import annotations

from typing import Any

from gdsim.errors import printable

__all__ = ["explain", "first_line", "format_setting"]

EXPLANATIONS = {
    "Tensor.__contains__": "it takes its parameters in groups with flags of its own, which gdsim does not make",
    "does not require grad": "it differentiates by itself, and neither in a closure nor by backward(create_graph=True)",
    "only supports 2D parameters": "it updates matrices only",
    "inplace": "it moves the point before it differentiates the gradient, which PyTorch does not allow",
    "got dtype double": "its single-precision numbers do not mix with points in double precision",
}
"""The meaning of messages that come from deep inside torch."""


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def explain(error: BaseException) -> str:
    """Return why a class has raised an exception, as far as it is known, or else its own message."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "it has no step() of its own"
    message = first_line(error)
    return next((meaning for part, meaning in EXPLANATIONS.items() if part in message), message)


def format_setting(name: str, value: Any) -> str:
    """Return an argument as in a legend: `"weight decay 0.1"`."""
    text = name.replace("_", " ")
    return text if value is True else f"{text} {_format(value)}"


def _format(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_format, value))})"
    return printable(str(value))
