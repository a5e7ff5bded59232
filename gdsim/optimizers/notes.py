"""What is to be known of a class of `torch.optim` to read its path, told without importing torch."""

from __future__ import annotations

__all__ = ["note"]

NOTES = {
    "ASGD": "The path is that of the iterates; ASGD's average of them is not drawn.",
    "LBFGS": (
        "LBFGS evaluates the objective several times a step, by default up to 20: compare by evaluations, not by steps."
    ),
    "Muon": (
        "Muon moves matrices, so each point is given to it as a (1, dim) matrix; its step is then about "
        "0.7 · lr long whatever the gradient, and it never settles without a schedule."
    ),
    "SparseAdam": (
        "SparseAdam takes sparse gradients: a coordinate whose gradient is exactly zero is left out of the "
        "step, and its averages do not decay."
    ),
}


def note(class_name: str) -> str:
    """Return what a user of a class of `torch.optim` should know to read its path; nothing for most."""
    return NOTES.get(class_name.removeprefix("torch.optim."), "")
