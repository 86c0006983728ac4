"""Texts to token ids and token ids to padded batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers
from numpy.typing import NDArray

from worker.inference.engines.engine import TokenBatch


@dataclass(frozen=True, slots=True)
class Tokens:
    """Unpadded token ids of many texts; entry i belongs to text i."""

    ids: Sequence[NDArray[np.int64]]  # [texts] of [length], special tokens included
    lengths: NDArray[np.int64]  # [texts], after truncation
    truncated: NDArray[np.bool_]  # [texts], True where the text was longer than the window


class Tokenizer:
    """A fast tokenizer with a fixed window.

    Args:
        backend: the Rust tokenizer; its truncation and padding are set here, so it must not be shared.
        max_tokens: the window, special tokens included.
        pad_id: the token that fills short rows; the attention mask hides it.
    """

    def __init__(self, backend: tokenizers.Tokenizer, *, max_tokens: int, pad_id: int) -> None:
        backend.enable_truncation(max_length=max_tokens)
        backend.no_padding()
        self._backend = backend
        self._pad_id = pad_id
        self.max_tokens = max_tokens

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokenise all texts in one call; two texts are two texts, never a pair.

        Raises:
            TypeError: a text cannot be UTF-8 (a lone surrogate).
        """
        encodings = self._backend.encode_batch_fast(list(texts))
        ids = [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]
        return Tokens(
            ids=ids,
            lengths=np.fromiter((len(row) for row in ids), dtype=np.int64, count=len(ids)),
            truncated=np.fromiter((bool(e.overflowing) for e in encodings), dtype=np.bool_, count=len(ids)),
        )

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        """The token batch of some rows, as wide as the longest of them."""
        lengths = tokens.lengths[rows]  # [batch]
        mask = np.arange(lengths.max())[None, :] < lengths[:, None]  # [batch, width]
        input_ids = np.full(mask.shape, self._pad_id, dtype=np.int64)
        input_ids[mask] = np.concatenate([tokens.ids[row] for row in rows])
        return TokenBatch(input_ids=input_ids, attention_mask=mask.astype(np.int64))
