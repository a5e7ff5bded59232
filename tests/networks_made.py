"""Made-up trajectories of networks: what training would leave behind, without training anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import gdsim
from gdsim.networks import ImageObjective, Landscape, NetworkObjective, examples, network, network_objective
from gdsim.simulation import NetworkTrajectory, SaliencyMaps, Stop, Training, Trajectory

LABELS = ("SGD", "Momentum", "Adam")
RATES = (0.012, 0.03, 0.07, 0.02, 0.05, 0.1)


def loss(spots: np.ndarray) -> np.ndarray:
    """A bent valley, always above 0, over spots (…, 2)."""
    x, y = spots[..., 0], spots[..., 1]
    return 0.03 + 0.06 * x**2 + 0.5 * (y - 0.06 * x**2) ** 2 / (1 + 0.1 * x**2) + 0.02 * (1 - np.cos(1.5 * x))


def slope(spots: np.ndarray) -> np.ndarray:
    """The gradient of the valley by central differences, (…, 2)."""
    h = 1e-6
    return np.stack([(loss(spots + h * e) - loss(spots - h * e)) / (2 * h) for e in np.eye(2)], -1)


def landscape(name: str = "made", side: int = 51, arrows: int = 15, *, weights: int = 24, **facts) -> NetworkObjective:
    """An objective over a plane through so many weights; `facts` are fields of the landscape."""
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(weights, 2)))[0].T
    x, y = np.linspace(-7.0, 5.0, side), np.linspace(-4.0, 8.0, side)
    centred = [low + 12 * (np.arange(arrows) + 0.5) / arrows for low in (-7.0, -4.0)]
    arrow_points = np.stack(np.meshgrid(*centred), -1).reshape(-1, 2)
    made = Landscape(
        plane="pca",
        origin=np.full(weights, 0.1),
        axes=axes,
        x=x,
        y=y,
        values=loss(np.stack(np.meshgrid(x, y), -1)),
        arrow_points=arrow_points,
        gradients=slope(arrow_points),
        share=0.913,
        examples=1347,
        total_examples=1347,
    )
    title = "MLP 64–128–10 on digits" if name == "made" else name
    of = replace(network("mlp", examples("digits", n=8)), name=name, title=title, weights=weights)
    return network_objective(of, replace(made, **facts))


def path(steps: int, rate: float) -> np.ndarray:
    """Spots of a descent of the valley, (steps + 1, 2)."""
    spots = np.empty((steps + 1, 2))
    spots[0] = -5.6, 6.2
    for k in range(steps):
        spots[k + 1] = spots[k] - min(3 * rate, 0.5) * slope(spots[k]) * 120 / max(steps, 1)
    return spots


def trained(
    labels: tuple[str, ...] = LABELS,
    steps: int = 120,
    *,
    objective: NetworkObjective | None = None,
    layers: tuple[str, ...] = ("hidden1", "hidden2", "hidden3", "output"),
    shrink: float = 4.0,
    every: int = 5,
    away: float = 0.4,
    tested: bool = True,
    image: tuple[int, int] | None = (8, 8),
    method: str = "gradient",
    diverged: int | None = None,
) -> tuple[Trajectory, ...]:
    """Trajectories over one landscape.

    Args:
        labels: One an optimizer.
        steps: Number of steps.
        objective: A landscape; a new one when left out.
        layers: What the layers are called.
        shrink: How many times smaller each layer's gradient is than that of the next.
        every: Every so many steps the weights were kept.
        away: How far the last weights are off the plane.
        tested: Whether there are test data.
        image: The size of the image whose maps were made; None for no maps.
        method: How the maps were made.
        diverged: The step after which the first optimizer diverged.
    """
    objective = objective or landscape()
    return tuple(
        _one(i, label, steps, objective, layers, shrink, every, away, tested, image, method, diverged)
        for i, label in enumerate(labels)
    )


def _one(i, label, steps, objective, layers, shrink, every, away, tested, image, method, diverged):
    draw = np.random.default_rng(i)
    rows, spots = np.arange(steps + 1), path(steps, RATES[i % len(RATES)])
    off = away * (1 + 0.3 * i) * rows / max(steps, 1)
    losses = loss(spots) + 0.1 * off**2
    gradients = slope(spots)
    stop, last = Stop.RAN, steps
    if diverged is not None and i == 0:
        stop, last = Stop.DIVERGED, diverged
    rows = np.minimum(rows, last)
    spots, losses, gradients, off = spots[rows], losses[rows], gradients[rows], off[rows]
    kept = np.unique(np.append(np.arange(0, steps + 1, every), steps))
    accuracy = np.clip(1 - losses / 4, 0.1, 0.999)
    depth = np.arange(len(layers))[::-1]
    noise = np.exp(0.25 * draw.normal(size=(steps + 1, len(layers))))[rows]
    norms = np.linalg.norm(gradients, axis=-1)
    moves = np.append(np.linalg.norm(np.diff(spots, axis=0), axis=-1), np.nan)
    axes = objective.landscape.axes
    # A direction off the plane, where there is one.
    other = draw.normal(size=axes.shape[1])
    other -= other @ axes.T @ axes
    size = np.linalg.norm(other)
    weights = objective.landscape.lift(spots) + off[:, None] * (other / size if size > 1e-9 else 0 * other)
    training = Training(
        kept=kept,
        weights=weights[kept].astype(np.float32),
        batch_losses=losses * np.exp(0.2 * draw.normal(size=steps + 1))[rows],
        figures={
            "test_loss": losses * 1.3 + 0.02 if tested else np.full(steps + 1, np.nan),
            "accuracy": accuracy,
            "test_accuracy": accuracy - 0.03 if tested else np.full(steps + 1, np.nan),
            "gradient_norm": 3 * norms,
            "step_size": 2 * moves,
            "off_plane": off,
            "plane_loss": loss(spots),
        },
        layers=layers,
        layer_gradients=norms[:, None] * float(shrink) ** -depth * noise,
        layer_weights=np.sqrt(1 + np.arange(len(layers)) + (rows / max(steps, 1))[:, None] * (1 + i)),
        maps=None if image is None else maps(kept, image, method, i),
    )
    return NetworkTrajectory(
        label=label,
        settings=f"{label} · lr {RATES[i % len(RATES)]:g}",
        objective=objective,
        color=None,
        points=spots[:, None],
        values=losses[:, None],
        gradients=gradients[:, None],
        learning_rates=np.full((steps + 1, 1), RATES[i % len(RATES)]),
        evaluations=np.arange(1, steps + 2)[:, None],
        stop_steps=np.array([last]),
        stops=(stop,),
        training=training,
    )


def maps(kept: np.ndarray, size: tuple[int, int], method: str, seed: int) -> SaliencyMaps:
    """Maps of a ring-shaped image, which become clearer as the training goes on; of both signs for a gradient."""
    rows, columns = (np.linspace(-1, 1, side) for side in size)
    radius = np.hypot(*np.meshgrid(columns, rows))
    image = np.clip(1 - 3 * np.abs(radius - 0.65), 0, 1)
    noise = np.random.default_rng(seed).normal(size=size)
    share = (kept / max(kept[-1], 1))[:, None, None]
    signed = share * (2 * image - 0.6) * (1 + 0.3 * seed) + (0.4 - 0.2 * share) * noise
    return SaliencyMaps(
        image=image,
        steps=kept,
        maps=signed if method == "gradient" else np.abs(signed),
        number=7,
        target=0,
        method=method,
    )


def imagined(labels: tuple[str, ...] = ("SGD", "Adam"), steps: int = 60) -> tuple[Trajectory, ...]:
    """Real descents in the space of images of 8 × 8 pixels, of a score that rises towards a ring."""
    ring = maps(np.array([0]), (8, 8), "gradient", 0).image.ravel()
    start = 0.5 + 0.1 * np.random.default_rng(0).normal(size=64)

    def score(x):
        import torch

        wanted = torch.from_numpy(ring)
        return 0.5 * ((x - wanted) ** 2).sum(-1) - 6.0

    plain = gdsim.objective(score, dim=64, bounds=[[0.0, 1.0]] * 64)
    objective = ImageObjective(
        name="score",
        title="the score of class 0",
        f=plain.f,
        bounds=plain.bounds,
        source=plain.source,
        start=start,
        shape=(8, 8),
    )
    rates = {"SGD": 0.04, "Adam": 0.03}
    return tuple(
        gdsim.descend(objective, label, start=start, steps=steps, lr=rates.get(label, 0.02), label=label)
        for label in labels
    )
