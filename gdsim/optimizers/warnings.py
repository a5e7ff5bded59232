"""What is to be known of a class of `torch.optim` to read its path, told without importing torch."""

from __future__ import annotations

__all__ = ["warning"]

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


NOTES_ON_NETWORKS = {
    "LBFGS": ("LBFGS evaluates each mini-batch several times a step, by default up to 20: compare by evaluations."),
    "Muon": "Muon moves the matrices of a network; its biases and all other parameters go to `rest`, by default AdamW.",
    "SparseAdam": (
        "SparseAdam takes sparse gradients: a weight whose gradient is exactly zero is left out of the step, and its "
        "averages do not decay."
    ),
}


def warning(class_name: str, *, network: bool = False) -> str:
    """Return what a user of a class of `torch.optim` should know to read its path; nothing for most.

    Args:
        class_name: The class.
        network: Whether it trains a network, instead of moving a point.
    """
    name = class_name.removeprefix("torch.optim.")
    return (network and NOTES_ON_NETWORKS.get(name)) or NOTES.get(name, "")
