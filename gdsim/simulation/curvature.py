"""The largest eigenvalues of the Hessian: exact for functions, by Lanczos iteration for networks.

The Hessian of a network is never formed. The Lanczos iteration, ARPACK's by `scipy.sparse.linalg.eigsh`, needs only its
products with vectors, each of which takes one backward pass through the gradient (Pearlmutter 1994).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gdsim.config.presentation import SharpnessSpec
from gdsim.errors import InputError
from gdsim.interrupts import pause
from gdsim.networks import Network
from gdsim.networks.evaluation import Examples
from gdsim.networks.network import module_errors
from gdsim.objectives import FloatArray
from gdsim.simulation.trajectory import IntArray, NetworkTrajectory, Progress, Spectrum

TOLERANCE = 1e-6  # of the residual of an eigenvector; the error of its eigenvalue is of the order of the square
PRODUCTS = 21  # Hessian-vector products that ARPACK needs at least for one to nine eigenvalues


class Eigenpairs(NamedTuple):
    """Eigenvalues (top,) in descending order, and orthonormal eigenvectors (top, weights)."""

    values: FloatArray
    vectors: FloatArray


class HessianOperator:
    """The Hessian of a network's mean loss on all training data, in double precision and without dropout."""

    def __init__(self, network: Network, seed: int) -> None:
        self._network, self._module = network, network.module(seed).eval().double()
        self._parameters = [*self._module.parameters()]
        data = Examples(network.data.x, network.data.y, torch.float64)
        self._parts, self._count = data.parts, data.count

    def largest(
        self, weights: FloatArray, top: int, *, scales: FloatArray | float = 1.0, decay: float = 0.0
    ) -> Eigenpairs:
        """Return the `top` largest eigenvalues of S (H + decay) S at weights (weights,), NaN if H is not finite.

        H is the Hessian, S a preconditioner with the diagonal `scales`, (weights,), and `decay` the weight decay, which
        is a part of the gradient.
        """
        from scipy.sparse.linalg import LinearOperator, eigsh

        nn.utils.vector_to_parameters(torch.from_numpy(np.array(weights, np.float64)), self._parameters)
        # The graph of the gradient is kept if the data are evaluated at once, which halves the time.
        kept = [*self._gradients()] if len(self._parts) == 1 else None

        def product(vector: FloatArray) -> FloatArray:
            scaled = scales * vector.ravel()
            along, total = torch.from_numpy(scaled), torch.from_numpy(decay * scaled)
            for gradient in kept or self._gradients():
                pause()
                total += self._derivative(gradient, along, retain_graph=True)
            return scales * total.numpy()

        start = np.random.default_rng(0).standard_normal(len(weights))
        if not np.isfinite(product(start)).all():
            return Eigenpairs(np.full(top, np.nan), np.full((top, len(weights)), np.nan))
        shape = (len(weights), len(weights))
        hessian = LinearOperator(shape, matvec=product, dtype=np.float64)
        values, vectors = eigsh(hessian, k=top, which="LA", tol=TOLERANCE, v0=start)
        return Eigenpairs(values[::-1], vectors.T[::-1])

    def _gradients(self) -> Iterator[Tensor]:
        """Yield the contribution of each part of the data to the gradient (weights,), with its graph."""
        with module_errors(f"{self._network.title} cannot be differentiated twice"), torch.enable_grad():
            for x, y in self._parts:
                pause()
                loss = self._network.loss(self._module(x), y) * (len(x) / self._count)
                yield self._derivative(loss, create_graph=True)

    def _derivative(self, output: Tensor, along: Tensor | None = None, **graph: bool) -> Tensor:
        # A parameter that does not affect the output has the derivative 0.
        parts = torch.autograd.grad(output, self._parameters, along, materialize_grads=True, **graph)
        return torch.cat([each.reshape(-1) for each in parts])


def spectrum_steps(kept: IntArray, every: int) -> IntArray:
    """Return the steps among those whose weights are kept at which eigenvalues are computed every so many steps."""
    wanted = np.arange(0, kept[-1] + 1, every)
    return np.union1d(kept[np.searchsorted(kept, wanted)], kept[-1:])


def has_spectra(trajectories: Sequence[NetworkTrajectory], sharpness: SharpnessSpec) -> bool:
    """Return whether trajectories have the eigenvalues that a view requests."""
    recorded = trajectories[0].training.spectrum
    if recorded is None:
        return False
    return recorded.every == sharpness.interval(network=True) and recorded.values.shape[1] >= sharpness.top


def with_spectra(
    trajectories: Sequence[NetworkTrajectory], sharpness: SharpnessSpec, seed: int, progress: Progress
) -> tuple[NetworkTrajectory, ...]:
    """Return trajectories with the eigenvalues that a view requests.

    Raises:
        InputError: A recorded optimizer divides the gradient, by averages that are not recorded.
    """
    hessian = HessianOperator(trajectories[0].objective.network, seed)
    steps = spectrum_steps(trajectories[0].training.kept, sharpness.interval(network=True))
    ticks = iter(progress(range(len(trajectories) * len(steps))))
    for each in trajectories:
        if each.stability is not None and each.stability.preconditioned and each.training.scales is None:
            message = f"a recording does not keep the averages of {each.label}; gdsim run computes its eigenvalues"
            raise InputError(message, ("view", "panels"), code="missing")
    found = tuple(_with_spectrum(each, hessian, steps, sharpness, ticks) for each in trajectories)
    for _ in ticks:  # a progress bar finishes after its last item
        pass
    return found


def _with_spectrum(
    trajectory: NetworkTrajectory,
    hessian: HessianOperator,
    steps: IntArray,
    sharpness: SharpnessSpec,
    ticks: Iterator[int],
) -> NetworkTrajectory:
    training = trajectory.training
    weights = training.weights[np.searchsorted(training.kept, steps)].astype(np.float64)
    scales = np.ones((len(steps), 1)) if training.scales is None else training.scales.astype(np.float64)
    decay = 0.0 if trajectory.stability is None else trajectory.stability.penalty
    values = np.empty((len(steps), sharpness.top))
    for k, _ in zip(range(len(steps)), ticks, strict=False):
        if k and np.array_equal(weights[k], weights[k - 1]):  # the path has converged or diverged
            values[k] = values[k - 1]
        else:
            values[k] = hessian.largest(weights[k], sharpness.top, scales=scales[k], decay=decay).values
    spectrum = Spectrum(steps, values, sharpness.interval(network=True))
    return replace(trajectory, training=replace(training, spectrum=spectrum, scales=None))
