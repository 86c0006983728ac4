"""The texts that graphs are quantised with, and engines compared and timed."""

from collections.abc import Callable, Sequence
from importlib import resources

from textsieve.worker.inference.model_folder.tokenizer import Tokens, first_rows

LONG_CHARACTERS = (500, 900, 1400, 2200)  # about 120 to 550 tokens: beyond the reach of attention that is local
LONG_TEXTS = 8  # few, since they take as long as all the others; answered, not timed
BLANKS = (" ", "\u3000", "\u200b", "\n\t ", ".")  # what tokenizers make nothing of


def calibration_texts(tokenize: Callable[[Sequence[str]], Tokens] | None = None) -> list[str]:
    """Texts of our own of many topics, languages and scripts: short ones, long ones of several of them, and blanks.

    Args:
        tokenize: texts of which it makes no token at all are left out, for no network answers them.
    """
    texts = resources.files("textsieve.worker.inference.building").joinpath("calibration.txt")
    lines = texts.read_text(encoding="utf-8").splitlines()
    short = [line for line in lines if line and not line.startswith("# ")]
    found = [*short, *_long(short), *BLANKS]
    if tokenize is None:
        return found
    tokens = tokenize(found)
    lengths = tokens.lengths if tokens.windows is None else tokens.lengths[first_rows(tokens.windows)]  # [texts]
    return [text for text, length in zip(found, lengths.tolist(), strict=True) if length]


def _long(lines: Sequence[str]) -> list[str]:
    """Texts of many lines; each begins at another one, so that they have little in common."""
    texts = []
    for number in range(LONG_TEXTS):
        start = number * len(lines) // LONG_TEXTS
        text = ""
        for line in [*lines[start:], *lines]:
            text = f"{text}\n{line}".strip()
            if len(text) >= LONG_CHARACTERS[number % len(LONG_CHARACTERS)]:
                break
        texts.append(text)
    return texts
