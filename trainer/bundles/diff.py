"""How much two bundles differ: whether one that was trained again is the same."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.bundle.reading import Bundle

_OWN = frozenset({"created", "files"})  # fields that say when a bundle was written, and its hashes


@dataclass(frozen=True, slots=True)
class BundleDiff:
    """What is not the same."""

    fields: tuple[str, ...]  # of bundle.json, but for `created` and `files`
    files: tuple[str, ...]  # with another hash, or in one of the two only
    largest_weight: float  # of the first bundle's head, without its sign
    largest_difference: float | None  # between weights or biases of the heads; None: they have different shapes


def diff_bundles(one: Bundle, other: Bundle) -> BundleDiff:
    """Field by field, file by file, weight by weight."""
    mine, its = (msgspec.structs.asdict(bundle.manifest) for bundle in (one, other))
    hashes = one.manifest.files, other.manifest.files
    return BundleDiff(
        fields=tuple(name for name in mine if name not in _OWN and mine[name] != its[name]),
        files=tuple(name for name in sorted({*hashes[0], *hashes[1]}) if hashes[0].get(name) != hashes[1].get(name)),
        largest_weight=float(np.abs(_head(one)).max()),
        largest_difference=float(np.abs(_head(one) - _head(other)).max()) if _shape(one) == _shape(other) else None,
    )


def _head(bundle: Bundle) -> NDArray[np.float32]:
    return np.concatenate([bundle.weight.ravel(), bundle.bias])


def _shape(bundle: Bundle) -> tuple[int, ...]:
    return bundle.weight.shape
