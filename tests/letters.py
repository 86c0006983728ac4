"""A tokenizer whose tokens are letters: what a text costs can be read off it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.model_folder.tokenizer import Tokens


class Letters:
    """A token for each character."""

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        lengths = np.asarray([len(text) for text in texts], np.int64)
        return Tokens([np.ones(n, np.int64) for n in lengths], lengths, np.zeros(len(texts), np.bool_))

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        mask = (np.arange(tokens.lengths[rows].max()) < tokens.lengths[rows][:, None]).astype(np.int64)
        return TokenBatch(mask, mask)
