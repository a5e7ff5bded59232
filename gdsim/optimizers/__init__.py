"""A class and its settings in; instances of it over given parameters, with their schedules, out.

What a class wants is found by trying it, in this order: `step()` after `backward()`; `step(closure)`; `step()` after
`backward(create_graph=True)`; both. One that wraps another optimizer is given it by a class and its settings.
"""

from __future__ import annotations

from gdsim.optimizers.calm import quiet_single_thread
from gdsim.optimizers.chances import Chances, stream
from gdsim.optimizers.methods import Arrangement, Method, method
from gdsim.optimizers.notes import note
from gdsim.optimizers.sharing import training_method

__all__ = ["Arrangement", "Chances", "Method", "method", "note", "quiet_single_thread", "stream", "training_method"]
