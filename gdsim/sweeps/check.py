"""Some runs of a sweep again, each in a plain loop with the class itself."""

from __future__ import annotations

import torch
from torch import Tensor

from gdsim.errors import GdsimError
from gdsim.simulation.descent import Task
from gdsim.simulation.stepper import Stepper, noise_of


def plain_path(task: Task, steps: int) -> Tensor:
    """Return the points (rows, dim) of a task with one start; fewer than steps + 1 if the optimizer fails.

    The point is one tensor, and each step a forward and a backward pass of its own.
    """
    point = torch.nn.Parameter(task.factory.reshape(torch.from_numpy(task.points[0].copy())))
    stepper = Stepper(task.factory, [point], lambda: task.objective.f(point.reshape(-1)))
    noises = noise_of(task.factory, task.streams, task.objective.dim)
    points = [point.detach().clone()]
    for _ in range(steps):
        loss, drawn = stepper.evaluate(), next(noises)
        noise = None if drawn is None else [drawn[0].view_as(point)]
        stepper.adjust_gradients(noise)
        if not stepper.step(loss, noise):
            break
        points.append(point.detach().clone())
    return torch.stack(points).flatten(1)


def check_path(task: Task, path: Tensor) -> None:
    """Check that a path (steps + 1, dim) of a sweep is that of a plain loop, bit for bit.

    Raises:
        GdsimError: They differ.
    """
    expected = plain_path(task, len(path) - 1)
    same = (path[: len(expected)] == expected) | (path[: len(expected)].isnan() & expected.isnan())
    if not same.all():
        step = int(same.all(1).int().argmin())
        where = ", ".join(f"{each:g}" for each in task.points[0])
        raise GdsimError(
            f"{task.factory.text} from ({where}): step {step} of the sweep differs from that of a plain loop; "
            "another version of torch may compute differently: please report this"
        )
