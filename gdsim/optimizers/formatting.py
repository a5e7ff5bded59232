"""Format settings, exceptions and warnings of optimizers for users."""

from __future__ import annotations

from typing import Any

from gdsim.errors import printable

EXPLANATIONS = {
    "Tensor.__contains__": "it takes its parameters in groups with flags of its own, which gdsim does not make",
    "does not require grad": "it differentiates by itself, and neither in a closure nor by backward(create_graph=True)",
    "only supports 2D parameters": "it updates matrices only",
    "inplace": "it moves the point before it differentiates the gradient, which PyTorch does not allow",
    "got dtype double": "its single-precision numbers do not mix with points in double precision",
}
"""Explanations of error messages from internals of torch, keyed by a part of the message."""


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def explain(error: BaseException) -> str:
    """Return a known explanation of an exception, or else the first line of its message."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "it has no step() of its own"
    message = first_line(error)
    return next((meaning for part, meaning in EXPLANATIONS.items() if part in message), message)


def format_setting(name: str, value: Any) -> str:
    """Return an argument for a legend, such as `"weight decay 0.1"`."""
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


SPARSE = "SparseAdam takes sparse gradients: a {} with a gradient of exactly zero and its averages are not updated."

WARNINGS = {
    "ASGD": "The path is that of the iterates; their average, which ASGD computes, is not drawn.",
    "LBFGS": ("LBFGS evaluates the objective several times per step, by default up to 20: compare by evaluations."),
    "Muon": (
        "Muon updates matrices, so each point is passed to it as a (1, dim) matrix; its step is then about "
        "0.7 · lr long whatever the gradient, and it never settles without a schedule."
    ),
    "SparseAdam": SPARSE.format("coordinate"),
}

WARNINGS_FOR_NETWORKS = {
    "LBFGS": "LBFGS evaluates each mini-batch several times per step, by default up to 20: compare by evaluations.",
    "Muon": "Muon updates the matrices of a network; all other parameters are updated by `rest`, by default AdamW.",
    "SparseAdam": SPARSE.format("weight"),
}


def warning(class_name: str, *, network: bool = False) -> str:
    """Return a note on how to interpret the path of a class of `torch.optim`; empty for most classes."""
    name = class_name.removeprefix("torch.optim.")
    return (network and WARNINGS_FOR_NETWORKS.get(name)) or WARNINGS.get(name, "")
