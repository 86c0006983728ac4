"""Predict: one pass of the model over all texts, and whose fault it is where that fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import EMBEDDING, MODEL_TEXT, PROBABILITIES, TOKEN_COUNT, TRUNCATED
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.headers import source_id
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import DeadLetter, Predictions, Record

MAX_ISOLATED = 32  # poison messages singled out in one batch; more than that is not the messages' fault


@dataclass(frozen=True, slots=True)
class Predict:
    """Asks the model; where that fails, halves the batch until the guilty messages stand alone and are rejected."""

    predictor: Predictor
    needs: ClassVar[tuple[Column[Any], ...]] = (MODEL_TEXT,)
    gives: ClassVar[tuple[Column[Any], ...]] = (PROBABILITIES, EMBEDDING, TOKEN_COUNT, TRUNCATED)
    fields: ClassVar[Mapping[str, Column[Any]]] = {}

    def run(self, batch: Batch) -> Batch:
        """See Stage; the first rows only, up to where the model had no time for more."""
        answered = self._predict(batch)
        batch = batch.first(answered.end)
        if answered.rejected:
            rows = [row for row in range(answered.end) if row not in answered.rejected]
            batch = batch.take(rows, rejected=answered.rejected.values())
        if not answered.parts:
            return batch
        predictions = Predictions.joined(answered.parts)
        return batch.with_columns(
            PROBABILITIES.of(predictions.probabilities),
            EMBEDDING.of(predictions.embeddings),
            TOKEN_COUNT.of(predictions.token_counts),
            TRUNCATED.of(predictions.truncated),
        )

    def _predict(self, batch: Batch) -> "_Answered":
        texts = batch[MODEL_TEXT]
        answered = _Answered()
        waiting = [(0, len(texts))]
        while waiting:
            first, end = waiting.pop()
            try:
                predictions = self.predictor.predict(texts[first:end])
            except DeviceOutOfMemory:
                raise
            except PredictorError as error:
                if end - first > 1:
                    middle = first + (end - first) // 2
                    waiting += [(middle, end), (first, middle)]  # a stack: the first half is taken next
                    continue
                record = batch.records[first]
                self.predictor.predict([_probe(record)])  # a broken model raises here: nobody is to blame
                answered.rejected[first] = DeadLetter(record, "inference", "inference_failed", _name(error))
                if len(answered.rejected) > MAX_ISOLATED:
                    raise
                answered.end = end
            else:
                answered.parts.append(predictions)
                answered.end = first + len(predictions.token_counts)
                if answered.end < end:
                    break
        return answered


@dataclass(slots=True)
class _Answered:
    """What has become of the first rows of a batch so far.

    Attributes:
        end: the first row that is not answered.
        parts: of the answered rows that are not rejected, in their order.
        rejected: row -> why.
    """

    end: int = 0
    parts: list[Predictions] = field(default_factory=list)
    rejected: dict[int, DeadLetter] = field(default_factory=dict)


def _probe(record: Record) -> str:
    """A text that every working model can answer and no cache knows, for it names the message it is asked about."""
    return f"hello {source_id(record)}"


def _name(error: BaseException) -> str:
    """The kind of failure: messages of libraries may quote the text, so they stay out."""
    cause = error.__cause__ or error
    return f"the model failed on this message alone: {type(cause).__name__}"
