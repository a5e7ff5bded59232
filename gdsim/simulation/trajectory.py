"""What a descent leaves behind: trajectories, and for networks what belongs to their training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, Objective

__all__ = ["IntArray", "SaliencyMaps", "Stop", "Training", "Trajectory"]

IntArray = npt.NDArray[np.int64]


class Stop(Enum):
    """How a start ended, as a user reads it."""

    RAN = "ran all steps"
    CONVERGED = "came to rest"
    DIVERGED = "diverged"
    LEFT = "left what was measured"
    UNDEFINED = "left where the function is defined"

    @property
    def breaks_off(self) -> bool:
        """Whether what follows the last real row is no number, or no place to be in."""
        return self in (Stop.DIVERGED, Stop.LEFT, Stop.UNDEFINED)


@dataclass(frozen=True, eq=False)
class SaliencyMaps:
    """What one image's pixels do to the score of a class, along a training path.

    Attributes:
        image: (rows, columns) the image, averaged over its channels.
        steps: (k,) the steps at which the maps were made, ascending.
        maps: (k, rows, columns) the attributions at each: from 0 for "saliency" and "gradcam", of either sign for all
            others; NaN where there is none.
        number: Which image of the test data it is.
        target: The index of the class.
        method: How they were made: "gradient", "saliency", …
        label: The class of the image by the data; None where it was not looked up.
    """

    image: FloatArray
    steps: IntArray
    maps: FloatArray
    number: int
    target: int
    method: str
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Training:
    """What a network's training leaves behind beside its path on a plane.

    Row k belongs to the weights where gradient k was taken, that of mini-batch k. Figures of the full data are computed
    at the steps whose weights were kept, and run straight between them.

    Attributes:
        kept: (k,) the steps whose weights were kept, ascending, the first and the last among them.
        weights: (k, weights) float32, all parameters of the network one after the other.
        batch_losses: (steps + 1,) the loss of mini-batch k at the weights of row k.
        figures: Each (steps + 1,): "test_loss", "accuracy" and "test_accuracy" (0 to 1; NaN for numbers instead of
            classes, or without test data), "gradient_norm" of the full training data, "step_size", "off_plane", the
            distance from the plane, and "plane_loss", the loss where the plane is nearest.
        layers: What the layers are called, from the input on.
        layer_gradients: (steps + 1, layers) the norm of mini-batch k's gradient in each layer, clipped as the YAML says
            and without noise.
        layer_weights: (steps + 1, layers) the norm of each layer's weights.
        maps: What `view.saliency` asks for; None where it is not asked for.
    """

    kept: IntArray
    weights: npt.NDArray[np.float32]
    batch_losses: FloatArray
    figures: Mapping[str, FloatArray]
    layers: tuple[str, ...]
    layer_gradients: FloatArray
    layer_weights: FloatArray
    maps: SaliencyMaps | None = None


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The way of one optimizer from all its starts.

    Row k is the point where gradient k was taken, so `points[k + 1]` is where update k led. After a start has
    broken off, its rows repeat the last one that is real.

    Attributes:
        label: What the user calls the optimizer.
        settings: Its class and settings for a legend, `"SGD · lr 0.01 · momentum 0.9"`.
        objective: What was descended.
        color: `"#rrggbb"`, or None for one of the theme's.
        points: (steps + 1, starts, dim) the iterates.
        values: (steps + 1, starts) the objective at the points.
        gradients: (steps + 1, starts, dim) its true gradient there, without noise and unclipped.
        learning_rates: (steps + 1, starts) the rate that update k uses; the last is that of one more update.
        evaluations: (steps + 1, starts) how many gradients had been asked for, that of row k included.
        stop_steps: (starts,) the last step whose row is real, or the first at rest.
        stops: (starts,) how each start ended.
        training: For a network, what else its training has left; points, values and gradients are then those of the
            full training data, projected onto the plane of the objective's landscape. None for a function.
    """

    label: str
    settings: str
    objective: Objective
    color: str | None
    points: FloatArray
    values: FloatArray
    gradients: FloatArray
    learning_rates: FloatArray
    evaluations: IntArray
    stop_steps: IntArray
    stops: tuple[Stop, ...]
    training: Training | None = None

    def stopped_at(self, start: int) -> int:
        """Return the step at which a start came to its end, as a user reads it: "diverged at step 12".

        That is the first step at rest, or the first whose row would not have been real; the last step when it ran.
        """
        last = int(self.stop_steps[start])
        # Where not even the start has a value, its row stands all the same.
        real = np.isfinite(self.values[last, start]) and np.isfinite(self.gradients[last, start]).all()
        return last + 1 if self.stops[start].breaks_off and real else last
