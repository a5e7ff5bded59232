"""The minimizers of SciPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.optimizers.counting import CountedFunction, Counts, Iterate

DERIVATIVES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("Nelder-Mead", "Powell"), 0),
        **dict.fromkeys(("CG", "BFGS", "L-BFGS-B", "TNC"), 1),
        **dict.fromkeys(("Newton-CG", "trust-exact", "trust-krylov", "trust-ncg"), 2),
    }
)
"""The methods of `scipy.optimize.minimize` without constraints, each with the highest derivative that it uses."""


def minimize(
    function: CountedFunction,
    start: FloatArray,
    steps: int,
    *,
    method: str,
    bounds: Sequence[Sequence[float]] | None = None,
    **options: Any,
) -> Iterator[Iterate]:
    """Yield the iterates of `scipy.optimize.minimize`, from the start on, until it ends.

    Args:
        function: The function.
        start: (dim,).
        steps: The most steps; a step is an iteration, after which SciPy calls its callback.
        method: One of `DERIVATIVES`.
        bounds: [low, high] of each coordinate, for the methods that take bounds.
        options: The options of the method.
    """
    from scipy.optimize import minimize  # only if it is used, because it takes long to import

    derivatives = DERIVATIVES[method]
    iterates = [Iterate(start, Counts(functions=1, gradients=min(derivatives, 1)))]

    def callback(point: FloatArray) -> None:
        iterates.append(Iterate(np.array(point), function.counts))
        if len(iterates) > steps:
            raise StopIteration

    try:
        minimize(
            function.value,
            start,
            method=method,
            jac=function.gradient if derivatives else None,
            hess=function.hessian if derivatives > 1 else None,
            bounds=bounds,
            callback=callback,
            options=options,
        )
    except StopIteration:  # TNC passes it on
        pass
    finally:
        yield from iterates[: steps + 1]
