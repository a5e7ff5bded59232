"""The weights that a network was left with: the last that a recording has kept, or an array of one's own."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np

from gdsim.errors import InputError, did_you_mean
from gdsim.files import suggest_sibling
from gdsim.networks.npz import SIZE_LIMIT, Entries, UnreadableError, array_of, last_row, opened
from gdsim.networks.sizes import MOST_WEIGHTS
from gdsim.objectives import FloatArray

__all__ = ["last_weights", "named_weights"]

LABELS_LIMIT = 2**20


def named_weights(words: str, folder: Path, *, weights: int, title: str) -> FloatArray:
    """Read the last weights of the recording that a configuration names.

    Args:
        words: `digits.npz`, or `digits.npz:Adam` for another optimizer than the first.
        folder: Where the configuration's files lie.
        weights: How many the network has that they are for.
        title: What that network is called.

    Returns:
        (weights,) as `last_weights`.

    Raises:
        InputError: As `last_weights`, or they are of a network of another size.
    """
    name, colon, label = words.partition(".npz:")
    path = folder / (f"{name}.npz" if colon else words)
    found = last_weights(path, label if colon else None)
    if len(found) != weights:
        raise InputError(f"{path}: holds {len(found):,} weights, and {title} has {weights:,}")
    return found


def last_weights(path: str | Path, label: str | None = None) -> FloatArray:
    """Read the last weights in a recording of a network, or the array `weights` of another .npz file.

    Args:
        path: The file.
        label: Of which optimizer of a recording; the first by default.

    Returns:
        (weights,) all parameters one after the other, in the order of the module's `named_parameters`.

    Raises:
        InputError: The file is not there, or holds no weights, or none of such an optimizer.
    """
    path = Path(path)
    try:
        with opened(path, SIZE_LIMIT) as (archive, entries):
            name = _name(archive, entries, label)
            weights = last_row(archive, name, entries[name], MOST_WEIGHTS).astype(np.float64)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file{suggest_sibling(path)}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnreadableError as error:
        raise InputError(f"{path}: {error}") from error
    if not np.isfinite(weights).all():
        raise InputError(f"{path}: its last weights are not finite")
    return weights


def _name(archive: ZipFile, entries: Entries, label: str | None) -> str:
    """Return what the array of weights is called that is meant."""
    if "labels" not in entries:
        if "weights" not in entries:
            raise UnreadableError("is no recording of a network, and has no array 'weights'")
        if label is not None:
            raise UnreadableError(f"is no recording, which would have an optimizer '{label}'")
        return "weights"
    if entries["labels"].file_size > LABELS_LIMIT:
        raise UnreadableError("its labels are longer than those of any recording")
    labels = [str(each) for each in array_of(archive, "labels", entries["labels"]).ravel()]
    names = {index: f"weights_{index}" for index in range(len(labels)) if f"weights_{index}" in entries}
    if not names:
        raise UnreadableError("is a recording of functions, and holds no weights of a network")
    found = next((name for index, name in names.items() if label in (None, labels[index])), None)
    if found is None:
        there = [labels[index] for index in names]
        offer = did_you_mean(str(label), there) or f"; there are {', '.join(dict.fromkeys(there))}"
        raise UnreadableError(f"has no optimizer '{label}'{offer}")
    return found
