"""What to know about a class of `torch.optim` to read its path, without importing torch."""

from __future__ import annotations

__all__ = ["warning"]

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
    """Return what a user of a class of `torch.optim` should know to read its path; nothing for most.

    Args:
        class_name: The class.
        network: Whether it trains a network, instead of moving a point.
    """
    name = class_name.removeprefix("torch.optim.")
    return (network and WARNINGS_FOR_NETWORKS.get(name)) or WARNINGS.get(name, "")
