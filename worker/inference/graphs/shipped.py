"""Finds what is shipped of a network, its graph and the ranges in it, and keeps new ones."""

import gzip
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from textsieve.worker.inference.graphs.activation_ranges import Range, packed, unpacked
from textsieve.worker.inference.graphs.external_weights import GraphWithoutWeights, Initializer

FOLDER = Path(__file__).parent


class _Content(msgspec.Struct, frozen=True):
    graph: bytes
    initializers: tuple[Initializer, ...] = msgspec.field(name="ingredients")  # as shipped files call them


def shipped_graph(key: str, *, folder: Path = FOLDER) -> GraphWithoutWeights | None:
    """The graph that is shipped under a key; None where there is none, or one of another version."""
    for path in folder.glob(f"*.{key}.graph"):
        try:
            found = msgspec.msgpack.decode(gzip.decompress(path.read_bytes()), type=_Content)
        except (OSError, EOFError, msgspec.MsgspecError):
            return None
        return GraphWithoutWeights(found.graph, found.initializers)
    return None


def ship(graph: GraphWithoutWeights, *, name: str, key: str, folder: Path = FOLDER) -> Path:
    """Keep a graph to be shipped: the same bytes for the same graph."""
    path = folder / f"{name}.{key}.graph"
    content = msgspec.msgpack.encode(_Content(graph.graph, graph.initializers))
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


def shipped_ranges(key: str, *, folder: Path = FOLDER) -> dict[str, Range] | None:
    """What comes into the layers of the graph that is shipped under a key; None where it is not known."""
    for path in folder.glob(f"*.{key}.ranges"):
        try:
            return unpacked(path.read_bytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
    return None


def ship_ranges(ranges: Mapping[str, Range], *, name: str, key: str, folder: Path = FOLDER) -> Path:
    """Keep ranges to be shipped."""
    path = folder / f"{name}.{key}.ranges"
    path.write_bytes(packed(ranges))
    return path
