"""One answer for a text from the answers to its windows."""

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.decisions import least_probabilities
from textsieve.worker.inference.model_folder.tokenizer import Tokens, first_rows
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Embeddings, Predictions, Probabilities

_SHORTEST = 1e-12  # keeps the length of embeddings that cancel out above 0


def joined_windows(
    tokens: Tokens, probabilities: Probabilities, embeddings: Embeddings, card: ModelCard
) -> Predictions:
    """The answers to rows as the answers to texts; a text of one row has that row's, unchanged.

    A window weighs as many tokens as no earlier one has. The embedding is the weighted mean, of length 1. What a text
    says is another matter: spam is spam though it stands behind ten pages. So an independent label is as likely as in
    the window where it is likeliest; and where a window reaches the threshold of an exclusive label, its probabilities
    are those of the text. Else, and without thresholds, they are the weighted mean.

    Args:
        tokens: of the texts.
        probabilities: [rows, labels].
        embeddings: [rows, dim], of length 1.
        card: of the model.
    """
    if tokens.windows is None or tokens.new_tokens is None:
        return Predictions(probabilities, embeddings, token_counts=tokens.lengths, truncated=tokens.truncated)
    firsts = first_rows(tokens.windows)
    answers = Predictions(
        probabilities=probabilities[firsts],
        embeddings=embeddings[firsts],
        token_counts=np.add.reduceat(tokens.new_tokens, firsts),
        truncated=tokens.truncated,
    )
    for text in np.flatnonzero(tokens.windows > 1):
        rows = slice(firsts[text], firsts[text] + tokens.windows[text])
        shares = (tokens.new_tokens[rows] / tokens.new_tokens[rows].sum())[:, None]  # [windows, 1], float64
        mean = (embeddings[rows] * shares).sum(axis=0)  # [dim]
        answers.embeddings[text] = mean / max(float(np.linalg.norm(mean)), _SHORTEST)
        answers.probabilities[text] = _said(probabilities[rows], shares, card)
    return answers


def _said(windows: Probabilities, shares: NDArray[np.float64], card: ModelCard) -> Probabilities:
    """[labels]: of one text, from those of its windows [windows, labels]."""
    if card.multi_label:
        likeliest: Probabilities = windows.max(axis=0)
        return likeliest
    if card.thresholds:
        least = least_probabilities(card, otherwise=np.inf)
        surest: Probabilities = windows[(windows - least).max(axis=1).argmax()]
        if (surest >= least).any():
            return surest
    mean: Probabilities = (windows * shares).sum(axis=0)
    return mean
