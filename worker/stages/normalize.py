"""Normalise: the text as the model is to read it, with disguised spelling undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from msgspec import UNSET, UnsetType

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import MODEL_TEXT, NORMALIZED, TEXT
from textsieve.worker.records import NormalizedText

_OBFUSCATED: Final = Column[list[bool | UnsetType]]("obfuscated")  # for readers of before, until the next version


@dataclass(frozen=True, slots=True)
class Normalize:
    """Undoes disguises and says by which rules; the text that came stays as it is.

    Attributes:
        normalize: what the model is given of a text.
    """

    normalize: Callable[[str], NormalizedText]
    needs: ClassVar[tuple[Column[Any], ...]] = (TEXT,)
    gives: ClassVar[tuple[Column[Any], ...]] = (MODEL_TEXT, NORMALIZED, _OBFUSCATED)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"normalized": NORMALIZED, "obfuscated": _OBFUSCATED}

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        normalized = list(map(self.normalize, batch[TEXT]))
        return batch.with_columns(
            MODEL_TEXT.of([text.text for text in normalized]),
            NORMALIZED.of([text.rules or UNSET for text in normalized]),
            _OBFUSCATED.of([True if text.rules else UNSET for text in normalized]),
        )
