"""Training of a network with several optimizers, each from the same weights on the same mini-batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gdsim.networks import Network, NetworkObjective, layer_of, network_objective
from gdsim.networks.evaluation import shaped
from gdsim.networks.network import module_errors
from gdsim.objectives import FloatArray
from gdsim.optimizers import OptimizerFactory, RNGState, deterministic
from gdsim.simulation.curvature import spectrum_steps
from gdsim.simulation.stability import StabilityLimit, stability_limit
from gdsim.simulation.state import StateRecord, rate_factors
from gdsim.simulation.stepper import Stepper, noise_of
from gdsim.simulation.trajectory import IntArray, NetworkTrajectory, Progress, Stop, Training

MAX_KEPT_BYTES = 2**26  # of the weights kept for all optimizers of a network, unless `record_every` is given
CHUNK_BYTES = 2**22  # of the buffer of weights, and of that of gradients, before their norms are taken


def kept_steps(network: Network, steps: int, optimizers: int) -> IntArray:
    """Return the steps whose weights are kept, including the first and the last.

    The interval is the network's `record_every` or, if that is None, the shortest for which the weights of all
    optimizers take at most 64 MiB.
    """
    row = 4 * network.weights * optimizers
    every = network.record_every or max(1, math.ceil(steps / max(1, MAX_KEPT_BYTES // row - 1)))
    return np.union1d(np.arange(0, steps + 1, every), steps)


def train(
    network: Network,
    factories: Sequence[OptimizerFactory],
    *,
    steps: int,
    seed: int,
    progress: Progress = iter,
    records_state: bool = False,
    spectrum_every: int | None = None,
) -> tuple[NetworkTrajectory, ...]:
    """Train a network with each of several optimizers; `progress` wraps the steps of all of them together.

    At every so many steps `Training.scales` are kept, for the eigenvalues of preconditioned Hessians.

    Returns:
        One trajectory per optimizer. Until `evaluate_landscape` computes them, points, values and gradients are NaN,
        and the only figure of the training is "step_size".

    Raises:
        InputError: An optimizer cannot update the network's parameters, or the module fails.
    """
    kept, objective = kept_steps(network, steps, len(factories)), network_objective(network)
    ticks = iter(progress(range(len(factories) * (steps + 1))))
    trajectories = []
    for factory in factories:
        own, limit = islice(ticks, steps + 1), _limit(factory)
        scaled = kept[:0]
        if spectrum_every is not None and limit is not None and limit.preconditioned:
            scaled = spectrum_steps(kept, spectrum_every)
        with deterministic():
            record = _train_one(network, factory, kept, scaled, own, steps, seed, records_state=records_state)
        for _ in own:  # completes the progress bar after a divergence
            pass
        trajectories.append(_trajectory(record, factory, objective))
    for _ in ticks:  # a progress bar finishes after its last item
        pass
    return tuple(trajectories)


def _train_one(
    network: Network,
    factory: OptimizerFactory,
    kept: IntArray,
    scaled: IntArray,
    ticks: Iterable[int],
    steps: int,
    seed: int,
    *,
    records_state: bool,
) -> _Record:
    RNGState.seeded(seed).restore()
    module = network.module(seed)
    record = _Record(steps, kept, module)
    record.scales = np.full((len(scaled), network.weights), np.nan, np.float32)
    # The last step has no update, and keeps what the one before has left.
    scaled = np.minimum(scaled, steps - 1)
    for row, (_, (loss, stepper)) in enumerate(zip(ticks, training_loop(network, module, factory, seed), strict=False)):
        if row and records_state:
            record.state.add_norms(row - 1, stepper.states())
        if row and row - 1 in scaled:
            place = np.searchsorted(scaled, row - 1)
            record.scales[place:] = np.sqrt(rate_factors(factory.class_, stepper.group, stepper.states()))
        record.add(loss.item(), stepper.learning_rate, row + 1 + stepper.extra_evaluations, stepper.parameters)
        if not (math.isfinite(loss.item()) and record.is_finite):
            break
    return record


def training_loop(
    network: Network, module: nn.Module, factory: OptimizerFactory, seed: int, device: str = "cpu"
) -> Iterator[tuple[Tensor, Stepper]]:
    """Train a module in a plain loop, until the optimizer cannot continue.

    Yields:
        Before each update, the loss () of a mini-batch, and the stepper, whose parameters hold its gradient.
    """

    def loss() -> Tensor:
        with module_errors(f"{network.title} cannot be trained"):
            return network.loss(module(x), y)

    stepper = Stepper(factory, [*module.parameters()], loss, module if factory.rest is None else None)
    noises = noise_of(factory, [(seed, 0)], network.weights)
    for batch in network.batches(seed):
        x, y = (each.to(device) for each in batch)
        value = stepper.evaluate()
        yield value, stepper
        drawn = next(noises)
        noise = None if drawn is None else shaped(drawn[0], stepper.parameters)
        stepper.adjust_gradients(noise)
        if not stepper.step(value, noise):
            return


class _Record:
    """The record of training with one optimizer; row k has the weights at which gradient k was computed.

    Attributes:
        kept: (kept,) the steps whose weights are kept.
        names: (parameters,) the layer of each parameter.
        losses: (steps + 1,) the losses of the mini-batches; NaN in rows that were not added.
        rates: (steps + 1,) the learning rates.
        evaluations: (steps + 1,) the number of gradients evaluated so far.
        weights: (kept, weights) float32.
        weight_norms: (steps + 1, parameters) the norm of each parameter.
        gradient_norms: (steps + 1, parameters) the norm of each parameter's gradient.
        step_sizes: (steps + 1,) the norm of the update after each row; NaN if there is none.
        state: The norms of what the optimizer holds after the update of each row.
        scales: See `Training.scales`; without rows if there are none.
    """

    scales: npt.NDArray[np.float32]

    def __init__(self, steps: int, kept: IntArray, module: nn.Module) -> None:
        self.kept, self.names = kept, [layer_of(name) for name, _ in module.named_parameters()]
        self.state = StateRecord(steps + 1, 1, 1)
        self._sizes = [each.numel() for each in module.parameters()]
        total = sum(self._sizes)
        self.losses, self.rates, self.step_sizes = (np.full(steps + 1, np.nan) for _ in range(3))
        self.evaluations = np.zeros(steps + 1, dtype=np.int64)
        self.weights = np.empty((len(kept), total), dtype=np.float32)
        self.weight_norms, self.gradient_norms = (np.full((steps + 1, len(self._sizes)), np.nan) for _ in range(2))
        rows = min(steps + 1, 256, max(2, CHUNK_BYTES // (4 * total)))
        # Row 0 is the last row of the previous chunk, from which the first update of this chunk starts.
        self._weights, self._gradients = torch.empty(rows + 1, total), torch.zeros(rows + 1, total)
        self._first, self._filled = 0, 0
        self._bad: int | None = None
        self._last = torch.empty(total)
        self._zeros = [torch.zeros(size) for size in self._sizes]

    def add(self, loss: float, rate: float, evaluations: int, parameters: Sequence[Tensor]) -> None:
        """Add a row: the mini-batch's loss, the next update's learning rate, and the parameters with gradients."""
        row = self._first + self._filled
        self.losses[row], self.rates[row], self.evaluations[row] = loss, rate, evaluations
        self._filled += 1
        gradients = [
            zeros if (gradient := each.grad) is None else gradient.to_dense() if gradient.is_sparse else gradient
            for each, zeros in zip(parameters, self._zeros, strict=True)
        ]
        with torch.no_grad():
            torch.cat([each.reshape(-1) for each in parameters], out=self._weights[self._filled])
            torch.cat([each.reshape(-1) for each in gradients], out=self._gradients[self._filled])
        if self._filled == len(self._weights) - 1:
            self._flush()

    @property
    def is_finite(self) -> bool:
        """Whether all rows checked so far are finite."""
        return self._bad is None

    def finish(self) -> tuple[int, Stop]:
        """Fill the rows after the last finite one with copies of it; return the step of the stop, and its reason."""
        self._flush()
        last = len(self.losses) - 1
        bad = self._bad if self._bad is not None else self._first
        if bad <= last:
            row = max(bad - 1, 0)
            for each in (self.losses, self.rates, self.evaluations, self.weight_norms, self.gradient_norms):
                each[row + 1 :] = each[row]
            self.step_sizes[row:] = np.nan
            self.weights[np.searchsorted(self.kept, row, "right") :] = self._last
            return row, Stop.DIVERGED
        moved = np.flatnonzero(self.step_sizes[:-1] != 0)
        rest = int(moved[-1]) + 1 if len(moved) else 0
        # A path that stops moving only because its learning rate is 0 has not converged.
        at_rest = rest < last and self.rates[rest:-1].any()
        return (rest, Stop.CONVERGED) if at_rest else (last, Stop.RAN)

    def _flush(self) -> None:
        """Compute the norms of the buffered rows, and store the weights of the steps to keep."""
        first, filled = self._first, self._filled
        if not filled:
            return
        end = first + filled
        weights, gradients = self._weights[1 : filled + 1], self._gradients[1 : filled + 1]
        self.weight_norms[first:end], self.gradient_norms[first:end] = self._norms(weights), self._norms(gradients)
        known = 0 if first else 1
        updates = torch.diff(self._weights[known : filled + 1], dim=0)
        self.step_sizes[first - 1 + known : end - 1] = torch.linalg.vector_norm(updates, dim=1, dtype=torch.float64)
        low, high = np.searchsorted(self.kept, (first, end))
        chosen = torch.from_numpy(self.kept[low:high] - first)
        torch.index_select(weights, 0, chosen, out=torch.from_numpy(self.weights[low:high]))
        if self._bad is None:
            figures = (self.losses[first:end, None], self.weight_norms[first:end], self.gradient_norms[first:end])
            finite = np.isfinite(np.concatenate(figures, axis=1)).all(1)
            self._bad = None if finite.all() else first + int(finite.argmin())
            last = end if self._bad is None else max(self._bad, 1)
            self._last = self._weights[last - first].clone()
        self._weights[0] = weights[-1]
        self._first, self._filled = end, 0

    def _norms(self, rows: Tensor) -> FloatArray:
        parts = torch.split_with_sizes(rows, self._sizes, dim=1)
        norms = [torch.linalg.vector_norm(part, dim=1, dtype=torch.float64) for part in parts]
        return cast(FloatArray, torch.stack(norms, dim=1).numpy())


def _limit(factory: OptimizerFactory) -> StabilityLimit | None:
    return stability_limit(factory.torch_name, factory.built_class.settings, factory.schedule)


def _trajectory(record: _Record, factory: OptimizerFactory, objective: NetworkObjective) -> NetworkTrajectory:
    stop_step, stop = record.finish()
    rows = len(record.losses)
    for each in record.state.arrays.values() if stop.failed else ():
        each[stop_step + 1 :] = np.nan
    gradient_norms = record.gradient_norms
    if (clip_norm := factory.gradient.clip_norm) is not None:
        whole = np.linalg.norm(gradient_norms, axis=1, keepdims=True)
        gradient_norms = gradient_norms * np.minimum(1.0, clip_norm / (whole + 1e-6))
    layers = tuple(dict.fromkeys(record.names))
    in_layer = np.array([[name == layer for layer in layers] for name in record.names], dtype=np.float64)
    training = Training(
        kept=record.kept,
        weights=record.weights,
        batch_losses=record.losses,
        figures={"step_size": record.step_sizes},
        layers=layers,
        layer_gradients=np.sqrt(gradient_norms**2 @ in_layer),
        layer_weights=np.sqrt(record.weight_norms**2 @ in_layer),
        scales=record.scales if len(record.scales) else None,
    )
    return NetworkTrajectory(
        label=factory.label,
        settings=factory.text,
        objective=objective,
        color=factory.color,
        points=np.full((rows, 1, 2), np.nan),
        values=np.full((rows, 1), np.nan),
        gradients=np.full((rows, 1, 2), np.nan),
        learning_rates=record.rates[:, None],
        evaluations=record.evaluations[:, None],
        stop_steps=np.array([stop_step]),
        stops=(stop,),
        training=training,
        state=record.state.arrays,
        stability=_limit(factory),
    )
