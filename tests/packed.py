"""Writes tiny encoders into the packed form in which the multilingual one comes: what `worker` can only read."""

import struct
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, INTERMEDIATE, POSITIONS, TYPES = 32, 1, 2, 64, 24, 2
PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁", "▁free", "▁prize", "a", "1", "é", "免", "费", "<mask>")
SCORES = (0.0, 0.0, 0.0, 0.0, -2.0, -1.5, -2.5, -4.0, -4.2, -4.5, -5.0, -5.5, 0.0)
CHARACTERS = {"\t": " ", "\u200b": " ", "\x07": "", "①": "1", "㎏": "kg"}
_LAYER = {
    "q": (32, 32),
    "k": (32, 32),
    "v": (32, 32),
    "ao": (32, 32),
    "aln": (),
    "fi": (64, 32),
    "fo": (32, 64),
    "oln": (),
}


def save_packed(path: Path) -> dict[str, np.ndarray]:
    """Write a random encoder; returns its tensors by their packed names, in float32 as they come back."""
    rng = np.random.default_rng(7)
    exact: dict[str, np.ndarray] = {}
    content: list[tuple[str, int, int, bytes]] = []  # name, whether in blocks, weights, bytes

    def plain(name: str, *shape: int) -> None:
        exact[name] = rng.normal(size=shape).astype(np.float32)
        content.append((name, 0, exact[name].size, exact[name].tobytes()))

    def in_blocks(name: str, *shape: int) -> None:
        codes = rng.integers(0, 16, size=(int(np.prod(shape)) // 32, 32), dtype=np.uint8)
        scales = rng.normal(scale=0.1, size=len(codes)).astype(np.float16)
        exact[name] = ((codes.astype(np.float32) - 8) * scales.astype(np.float32)[:, None]).reshape(shape)
        halves = codes[:, :16] | codes[:, 16:] << 4
        content.append(
            (name, 1, codes.size, b"".join(pair.tobytes() for row in zip(scales, halves, strict=True) for pair in row))
        )

    in_blocks("emb.word", len(PIECES) + 3, HIDDEN)
    plain("emb.pos", POSITIONS, HIDDEN)
    plain("emb.type", TYPES, HIDDEN)
    plain("emb.ln.w", HIDDEN)
    plain("emb.ln.b", HIDDEN)
    for name, shape in _LAYER.items():
        (in_blocks if shape else plain)(f"l0.{name}.w", *(shape or (HIDDEN,)))
        plain(f"l0.{name}.b", shape[0] if shape else HIDDEN)
    path.write_bytes(_file(content))
    return exact


def _file(content: list[tuple[str, int, int, bytes]]) -> bytes:
    sizes = (HIDDEN, LAYERS, HEADS, INTERMEDIATE, len(PIECES) + 3, POSITIONS, TYPES)
    text = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, text)]).astype("<u4")
    characters = b"".join(
        struct.pack(f"<IB{len(new)}I", ord(old), len(new), *map(ord, new)) for old, new in CHARACTERS.items()
    )
    head = b"".join(
        [
            struct.pack("<4sI7ifi", b"E5S1", 1, *sizes, 1e-12, 32),
            struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(b"".join(text))),
            ends.tobytes(),
            np.asarray(SCORES, "<f4").tobytes(),
            *text,
            struct.pack("<iI", len(CHARACTERS), len(characters)),
            characters,
            struct.pack("<i", len(content)),
        ]
    )
    place = len(head) + sum(2 + len(name) + 21 for name, *_ in content)
    directory = []
    for name, blocks, size, raw in content:
        entry = struct.pack("<BIQQ", blocks, size, place, len(raw))
        directory.append(struct.pack("<H", len(name)) + name.encode() + entry)
        place += len(raw)
    return b"".join([head, *directory, *(raw for *_, raw in content)])
