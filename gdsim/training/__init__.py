"""A network and optimizers in; what `torch.optim` does to its weights, bit for bit, and how that looks, out."""

from __future__ import annotations

from gdsim.training.looking import look
from gdsim.training.loop import train
from gdsim.training.record import kept_steps

__all__ = ["kept_steps", "look", "train"]
