"""Texts to token ids and token ids to padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tokenizers
from numpy.typing import NDArray

from textsieve.worker.inference.engines.engine import TokenBatch

OVERLAP = 4  # windows share a quarter of their tokens: a short message inside a long text is whole in one of them


@dataclass(frozen=True, slots=True)
class Tokens:
    """Unpadded token ids of many texts: a row for each, or several, one after the other, where a text is long.

    Attributes:
        ids: [rows] of [length], special tokens included.
        lengths: [rows].
        truncated: [texts], True where the text goes on behind its last row.
        windows: [texts], rows of each text, at least 1; None where every text is one row.
        new_tokens: [rows], tokens that no earlier row of the text has; None as `windows`.
        unpadded: whether only rows of one length may share a batch: the network reads what fills the shorter ones.
    """

    ids: Sequence[NDArray[np.int64]]
    lengths: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    windows: NDArray[np.int64] | None = None
    new_tokens: NDArray[np.int64] | None = None
    unpadded: bool = False

    def first(self, *, rows: int) -> "Tokens":
        """Those of the first whole texts that have no more than so many rows, at least of one text."""
        if rows >= len(self.lengths):
            return self
        if self.windows is None or self.new_tokens is None:
            short = self.ids[:rows], self.lengths[:rows], self.truncated[:rows]
            return Tokens(*short, unpadded=self.unpadded)
        ends = np.cumsum(self.windows)  # [texts]
        texts = max(1, int(np.searchsorted(ends, rows, side="right")))
        end = int(ends[texts - 1])
        return Tokens(
            self.ids[:end],
            self.lengths[:end],
            self.truncated[:texts],
            self.windows[:texts],
            self.new_tokens[:end],
            unpadded=self.unpadded,
        )


class Tokenizer:
    """A fast tokenizer with a fixed window; a text that is longer is cut, or split into windows that overlap.

    Args:
        backend: the Rust tokenizer; its truncation and padding are set here, so it must not be shared.
        max_tokens: the window, special tokens included.
        pad_id: the token that fills short rows; the attention mask hides it.
        max_windows: the most rows of one text; 1 cuts it after the first.
        side: from which end a text is cut; from the left its first row is its end.
        prefix: put before every text.

    Attributes:
        unpadded: see `Tokens`.

    Raises:
        ValueError: the window has no room for a token beside the special ones.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        max_tokens: int,
        pad_id: int,
        max_windows: int = 1,
        side: Literal["left", "right"] = "right",
        prefix: str = "",
    ) -> None:
        special = backend.num_special_tokens_to_add(is_pair=False)
        inside = max_tokens - special
        if inside < 1:
            raise ValueError(f"a window of more than {special} tokens, for so many are special ones")
        # half of what is inside at most: the next window must go on somewhere
        self._overlap = min(max_tokens // OVERLAP, inside // 2) if max_windows > 1 else 0
        backend.enable_truncation(max_length=max_tokens, stride=self._overlap, direction=side)
        backend.no_padding()
        self._backend = backend
        self._repeated = self._overlap + special
        self._pad_id = pad_id
        self.prefix = prefix
        self.max_tokens = max_tokens
        self.max_windows = max_windows
        self.unpadded = False

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokenise all texts in one call; two texts are two texts, never a pair.

        Raises:
            TypeError: a text cannot be UTF-8 (a lone surrogate).
        """
        encodings = self._backend.encode_batch_fast(
            [self.prefix + text for text in texts] if self.prefix else list(texts)
        )
        following = [encoding.overflowing for encoding in encodings]  # [texts] of lists, nearly all of them empty
        beyond = np.fromiter(map(len, following), dtype=np.int64, count=len(following))  # [texts]
        windows = np.minimum(beyond + 1, self.max_windows)
        split = bool((windows > 1).any())
        if split:
            more = self.max_windows - 1
            encodings = [row for first, rest in zip(encodings, following, strict=True) for row in (first, *rest[:more])]
        ids = [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]
        lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
        return Tokens(
            ids=ids,
            lengths=lengths,
            truncated=beyond >= self.max_windows,
            windows=windows if split else None,
            new_tokens=self._new_tokens(lengths, windows) if split else None,
            unpadded=self.unpadded,
        )

    def _new_tokens(self, lengths: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.int64]:
        """[rows]: what a row has beside special tokens and those of the row before; a first row has all."""
        fresh = lengths - self._repeated
        firsts = first_rows(windows)
        fresh[firsts] = lengths[firsts]
        return fresh

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        """The token batch of some rows, as wide as the longest of them."""
        lengths = tokens.lengths[rows]  # [batch]
        mask = np.arange(lengths.max())[None, :] < lengths[:, None]  # [batch, width]
        input_ids = np.full(mask.shape, self._pad_id, dtype=np.int64)
        input_ids[mask] = np.concatenate([tokens.ids[row] for row in rows])
        return TokenBatch(input_ids=input_ids, attention_mask=mask.astype(np.int64))


def first_rows(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """[texts]: the position of each text's first row."""
    return np.cumsum(windows) - windows
