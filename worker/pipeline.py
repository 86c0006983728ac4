"""From records to an outcome: decode, predict, assign, encode, and never fail for one bad record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from textsieve.worker.codec import Answer, Decoder, Encoder
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.decisions import Given, given_labels, likeliest
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import (
    Assignments,
    DeadLetter,
    Document,
    Embeddings,
    LabelIds,
    Observations,
    Outcome,
    Outgoing,
    Predictions,
    Record,
    Skipped,
)

MAX_ISOLATED = 32  # poison messages singled out in one batch; more than that is not the messages' fault


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Pure with respect to Kafka: the same records give the same outcome, and nothing is sent or learned here.

    Attributes:
        assign: embeddings [batch, dim] to the nearest shared centroids.
        now_ms: the clock, Unix time in milliseconds.
    """

    decoder: Decoder
    predictor: Predictor
    assign: Callable[[Embeddings], Assignments]
    encoder: Encoder
    now_ms: Callable[[], int]

    def process(self, records: Sequence[Record]) -> Outcome:
        """Answer every record with exactly one result or one dead letter, or the first ones where time is short.

        Records that the decoder skips are among them, without an answer.

        Raises:
            PredictorError: the model fails on everything, or the device has no memory: nobody's message is at fault.
        """
        decoded = [self.decoder.decode(record) for record in records]
        documents = [item for item in decoded if isinstance(item, Document)]
        answered = self._predict(documents) if documents else _Answered([], [], [])
        count = len(answered.documents) + len(answered.letters)
        if count < len(documents):
            unanswered = documents[count]
            decoded = decoded[: next(place for place, item in enumerate(decoded) if item is unanswered)]
        letters = [item for item in decoded if isinstance(item, DeadLetter)] + answered.letters
        if not answered.documents:
            return self._outcome(decoded, [], [], letters, None)
        columns = self._columns(answered)
        embeddings, now_ms = columns.predictions.embeddings, self.now_ms()
        encoded = [
            self.encoder.result(document, answer, embedding, now_ms)
            for document, answer, embedding in zip(columns.documents, self._answers(columns), embeddings, strict=True)
        ]
        kept = [row for row, answer in enumerate(encoded) if isinstance(answer, Outgoing)]
        results = [answer for answer in encoded if isinstance(answer, Outgoing)]
        letters += [answer for answer in encoded if isinstance(answer, DeadLetter)]
        return self._outcome(decoded, results, kept, letters, columns)

    def _predict(self, documents: Sequence[Document]) -> "_Answered":
        """Predict in one pass; where that fails, halve until the guilty messages stand alone.

        The answers are those to the first documents, up to where the predictor had no time for more.
        """
        answered = _Answered([], [], [])
        waiting = [documents]
        while waiting:
            batch = waiting.pop()
            try:
                predictions = self.predictor.predict([document.normalized.text for document in batch])
            except DeviceOutOfMemory:
                raise
            except PredictorError as error:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    waiting += [batch[middle:], batch[:middle]]  # a stack: the first half is taken next
                    continue
                self.predictor.predict([_probe(batch[0].record)])  # a broken model raises here: nobody is to blame
                answered.letters.append(DeadLetter(batch[0].record, "inference", "inference_failed", _name(error)))
                if len(answered.letters) > MAX_ISOLATED:
                    raise
            else:
                count = len(predictions.token_counts)
                answered.documents.extend(batch[:count])
                answered.predictions.append(predictions)
                if count < len(batch):
                    break
        return answered

    def _columns(self, answered: "_Answered") -> "_Columns":
        predictions = Predictions.joined(answered.predictions)
        given = given_labels(predictions.probabilities, self.predictor.card)
        best = likeliest(predictions.probabilities, given)
        return _Columns(answered.documents, predictions, given, best, self.assign(predictions.embeddings))

    def _answers(self, columns: "_Columns") -> list[Answer]:
        card, labels = self.predictor.card, self.predictor.card.labels
        assignments, version = columns.assignments, columns.assignments.version
        best = columns.best.tolist()
        alone = [[label] for label in labels]  # shared by all texts that are given it
        several = card.multi_label
        hold = [list(compress(labels, row)) for row in columns.given] if several else [alone[top] for top in best]
        rounded = np.round(columns.predictions.probabilities.astype(np.float64), 6).tolist()  # [batch, labels]
        distances = np.round(assignments.distances.astype(np.float64), 6).tolist()
        return [
            Answer(labels[top], row[top], dict(zip(labels, row, strict=True)), held, cluster, distance, version)
            for top, held, row, cluster, distance in zip(
                best, hold, rounded, assignments.cluster_ids.tolist(), distances, strict=True
            )
        ]

    def _outcome(
        self,
        decoded: Sequence[Document | DeadLetter | Skipped],
        results: Sequence[Outgoing],
        kept: Sequence[int],
        letters: Sequence[DeadLetter],
        columns: "_Columns | None",
    ) -> Outcome:
        now_ms = self.now_ms()
        dead_letters = [self.encoder.dead_letter(letter, now_ms) for letter in letters]
        reasons = [letter.reason for letter in letters]
        skipped = sum(isinstance(item, Skipped) for item in decoded)
        if columns is None:
            nothing, none = np.empty(0, np.float32), np.empty(0, np.int64)
            observations = Observations([], none, np.empty((0, self.predictor.card.dim), np.float32), none)
            return Outcome(
                len(decoded), [], dead_letters, observations, reasons, none, nothing, nothing, none, 0, 0, skipped
            )
        rows = np.asarray(kept, np.intp)
        predictions, assignments, best = columns.predictions, columns.assignments, columns.best[rows]
        return Outcome(
            records=len(decoded),
            results=results,
            dead_letters=dead_letters,
            observations=Observations(
                sources=[result.source for result in results],
                offsets=np.asarray([result.offset for result in results], np.int64),
                embeddings=predictions.embeddings[rows],
                cluster_ids=assignments.cluster_ids[rows],
            ),
            reasons=reasons,
            label_ids=best,
            scores=predictions.probabilities[rows, best],
            distances=assignments.distances[rows],
            token_counts=predictions.token_counts[rows],
            truncated=int(predictions.truncated[rows].sum()),
            obfuscated=sum(columns.documents[row].normalized.obfuscated for row in kept),
            skipped=skipped,
        )


@dataclass(frozen=True, slots=True)
class _Answered:
    """Growing lists of what one batch came to; documents and predictions stand in the same order."""

    documents: list[Document]
    predictions: list[Predictions]
    letters: list[DeadLetter]


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is known of the documents of a batch; row i of each belongs to document i."""

    documents: Sequence[Document]
    predictions: Predictions
    given: Given  # [batch, labels]
    best: LabelIds  # [batch]
    assignments: Assignments


def _probe(record: Record) -> str:
    """A text that every working model can answer and no cache knows, for it names the message it is asked about."""
    return f"hello {record.topic}/{record.partition}/{record.offset}"


def _name(error: BaseException) -> str:
    """The kind of failure: messages of libraries may quote the text, so they stay out."""
    cause = error.__cause__ or error
    return f"the model failed on this message alone: {type(cause).__name__}"
