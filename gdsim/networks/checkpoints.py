"""Reading of weights from recordings and from other .npz files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.files import load_arrays
from gdsim.networks.network import Network
from gdsim.objectives import FloatArray

__all__ = ["MAX_RECORDING_BYTES", "last_weights", "weights_of"]

MAX_RECORDING_BYTES = 3 * 2**29
"""The largest size in bytes of all arrays of a recording together."""


def weights_of(network: Network, reference: str, folder: Path) -> FloatArray:
    """Read the last weights of the recording that a configuration names.

    Args:
        network: The network that the weights are for.
        reference: `digits.npz`, or `digits.npz:Adam` for an optimizer other than the first.
        folder: The folder of the configuration's files.

    Returns:
        (weights,) all parameters concatenated, see `last_weights`.

    Raises:
        InputError: The weights cannot be read, see `last_weights`, or the network has a different number of weights.
    """
    name, colon, label = reference.partition(".npz:")
    path = folder / (f"{name}.npz" if colon else reference)
    weights = last_weights(path, label if colon else None)
    if len(weights) != network.weights:
        raise InputError(f"{path}: holds {len(weights):,} weights, but {network.title} has {network.weights:,}")
    return weights


def last_weights(path: str | Path, label: str | None = None) -> FloatArray:
    """Read the last weights in a recording of a network, or the array `weights` of another .npz file.

    Args:
        path: The file.
        label: The label of an optimizer in a recording; by default the first.

    Returns:
        (weights,) all parameters concatenated, in the order of the module's `named_parameters`.

    Raises:
        InputError: The file does not exist, or has no weights of this optimizer.
    """
    path = Path(path)
    arrays = load_arrays(path, max_bytes=MAX_RECORDING_BYTES)
    name, problem = _find(arrays, label)
    if problem:
        raise InputError(f"{path}: {problem}", code="unreadable" if label is None else "unknown-name")
    rows = arrays[name]
    if rows.dtype.kind != "f" or rows.ndim not in (1, 2) or 0 in rows.shape:
        raise InputError(f"{path}: '{name}' is {rows.dtype} of the shape {rows.shape}, not weights", code="unreadable")
    weights = np.atleast_2d(rows)[-1].astype(np.float64)
    if not np.isfinite(weights).all():
        raise InputError(f"{path}: its last weights are not finite")
    return np.asarray(weights)


def _find(arrays: Mapping[str, npt.NDArray[Any]], label: str | None) -> tuple[str, str]:
    """Return the name of the array of weights and an empty string, or an empty name and the problem."""
    if "labels" not in arrays:
        if "weights" not in arrays:
            return "", "is not a recording of a network, and has no array 'weights'"
        return ("weights", "") if label is None else ("", f"is not a recording, and has no optimizer '{label}'")
    labels = [str(each) for each in arrays["labels"].ravel()]
    names = {f"weights_{index}": each for index, each in enumerate(labels) if f"weights_{index}" in arrays}
    if not names:
        return "", "is a recording of functions, and has no weights of a network"
    found = next((name for name, each in names.items() if label in (None, each)), None)
    if found is not None:
        return found, ""
    offer = did_you_mean(str(label), names.values()) or f"; there are {', '.join(dict.fromkeys(names.values()))}"
    return "", f"has no optimizer '{label}'{offer}"
