"""Tries at load what no file of a folder says: whether a network reads padding, and whether its window is one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.engine import Answers, Engine
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer, Tokens

EXACTLY = 1e-3  # in float32, of the largest number: noise is a thousandth of that, what we met ten times it and more
ROUGHLY = 5e-2  # in bfloat16, float16 and int8
LONGEST = 1024  # tokens: of a longer window the pass takes seconds, and position tables that are wrong are shorter
_FEWER = 4  # positions that a table may reserve: those up to the padding id, which is 1 or so

# of several lengths, and two of one length
_TEXTS = ("ok", "see you at home", "now see you at", "free prize, call now! " * 3, "the quick brown fox jumps " * 6)


def reads_padding(engine: Engine, tokenizer: Tokenizer, *, folder: Path, tolerance: float = EXACTLY) -> bool:
    """Whether an answer changes where a text is padded to the length of another.

    Args:
        engine: runs the network.
        tokenizer: of the same folder.
        folder: for messages.
        tolerance: of the largest number in an answer.

    Raises:
        ConfigurationError: texts of one length change each other's answers too, or one text has two answers.
        PredictorError: the network fails.
    """
    tokens = tokenizer.tokenize(_TEXTS)
    alone = [_answer(engine, tokenizer, tokens, [row]) for row in range(len(tokens.lengths))]
    if all(_same(_answer(engine, tokenizer, tokens, rows), alone, rows, tolerance) for rows in _mixed(tokens)):
        return False
    for length in np.unique(tokens.lengths):
        rows = np.flatnonzero(tokens.lengths == length).tolist()
        if not _same(_answer(engine, tokenizer, tokens, [*rows, rows[0]]), alone, [*rows, rows[0]], tolerance):
            raise ConfigurationError(
                f"{folder}: expected a network that answers a text alike whatever stands beside it, got one whose "
                "answers change with the batch, or from call to call; choose another model"
            )
    return True


def require_window(engine: Engine, tokenizer: Tokenizer, *, folder: Path) -> None:
    """Let the network answer a text as long as its window.

    Raises:
        ConfigurationError: it fails there, and not at a short text: the files state more than it has positions for.
    """
    window = tokenizer.max_tokens
    if window > LONGEST:
        return
    row = tokenizer.tokenize(["ok " * window]).ids[0]
    for length in (window, *range(window - 1, window - _FEWER - 1, -1)):
        if _answers(engine, tokenizer, row[:length]):
            break
    else:
        return  # it fails for another reason, which its first words will tell
    if length < len(row):
        raise ConfigurationError(
            f"{folder}: expected a network that answers texts of {window} tokens, the window that its files state, "
            f"got one that answers {length}; set model.max_tokens to {length}"
        )


def _answers(engine: Engine, tokenizer: Tokenizer, row: NDArray[np.int64]) -> bool:
    lengths = np.asarray([len(row)])
    try:
        engine.embed_and_classify(tokenizer.pad(Tokens([row], lengths, lengths < 0), np.asarray([0])))
    except PredictorError:
        return False
    return True


def _mixed(tokens: Tokens) -> list[list[int]]:
    """Batches of several lengths: all together, and each with the longest."""
    longest = int(tokens.lengths.argmax())
    others = [row for row in range(len(tokens.lengths)) if tokens.lengths[row] < tokens.lengths[longest]]
    return [list(range(len(tokens.lengths))), *([row, longest] for row in others)]


def _answer(engine: Engine, tokenizer: Tokenizer, tokens: Tokens, rows: Sequence[int]) -> Answers:
    return engine.embed_and_classify(tokenizer.pad(tokens, np.asarray(rows)))


def _same(together: Answers, alone: Sequence[Answers], rows: Sequence[int], tolerance: float) -> bool:
    for name in ("features", "embeddings"):
        found = getattr(together, name)
        expected = np.concatenate([getattr(alone[row], name) for row in rows])
        most = max(1.0, float(np.abs(expected).max(initial=0.0)))
        if not (np.abs(found - expected) <= tolerance * most).all():  # written so that NaN is a difference
            return False
    return True
