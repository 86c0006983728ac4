"""The predictor over an engine: tokenise once, run in the order of length, restore the order and the texts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker import logs
from textsieve.worker.batching import cut_batches, cut_equal_lengths
from textsieve.worker.errors import DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import Answers, Engine, TokenBatch
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.prediction.cost_model import CostModel
from textsieve.worker.inference.prediction.windows import joined_windows
from textsieve.worker.inference.predictor import Meter, ModelCard, NoMeter
from textsieve.worker.records import Embeddings, Predictions, Probabilities

log = logs.get_logger("model")


class TextTokenizer(Protocol):
    """Texts to token ids, and any rows of them to a padded batch."""

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Unpadded token ids of every text, a row for each of its windows."""
        ...

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        """The padded batch of some rows."""
        ...


class TransformerPredictor:
    """A `Predictor` whose answers for a text do not depend on the texts beside it, beyond float noise.

    When the device runs out of memory the token budget is halved and stays so until the worker restarts: a batch that
    did not fit once is not tried again and again.

    Args:
        card: what results say about the model.
        tokenizer: cuts texts into tokens.
        engine: runs the network.
        head: makes probabilities of the engine's features; None where they are probabilities.
        max_batch_tokens: the largest padded device batch, longest text x texts.
        report: how the engine was chosen, where it was.
        clock: monotonic seconds.

    Attributes:
        meter: told what every call spends.
        max_batch_tokens: as above, in force: less after the device was full.
        max_seconds: see TimeLimited.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        tokenizer: TextTokenizer,
        engine: Engine,
        head: Head | None = None,
        max_batch_tokens: int,
        report: EngineReport | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.meter: Meter = NoMeter()
        self.max_seconds: float | None = None
        self.report = report
        self.max_batch_tokens = max_batch_tokens
        self._card = card
        self._tokenizer = tokenizer
        self._engine = engine
        self._head = head
        self._clock = clock
        self._cost_model = CostModel()
        self._offered: tuple[EngineReport, Engine | None] | None = None

    def offer(self, report: EngineReport, engine: Engine | None) -> None:
        """Change over to another engine before the next batch; may be called from another thread.

        Args:
            report: of the engine.
            engine: None where it is the present one, and only its budget may be another.
        """
        self._offered = report, engine

    def _take_offer(self) -> None:
        if self._offered is None:
            return
        (report, engine), self._offered = self._offered, None
        was_full = self.report is not None and self.max_batch_tokens < self.report.max_batch_tokens
        budget = report.max_batch_tokens
        self.max_batch_tokens = min(budget, self.max_batch_tokens) if was_full else budget
        self.report = report
        if engine is not None:
            self._engine = engine
            self._cost_model = CostModel()  # what a token costs is another
            self._card = replace(self._card, engine=report.candidate.name)

    @property
    def tokenizer(self) -> TextTokenizer:
        """What cuts texts into tokens."""
        return self._tokenizer

    @property
    def card(self) -> ModelCard:
        """Name, version, labels and sizes of the model."""
        return self._card

    def predict(self, texts: Sequence[str]) -> Predictions:
        """Classify and embed; row i of every array belongs to texts[i].

        Raises:
            DeviceOutOfMemory: the device could not hold a single text.
            PredictorError: the tokenizer or the network failed, or an answer is not a finite number.
        """
        self._take_offer()
        began = self._clock()
        tokens = self._tokenize(texts)
        self.meter.tokenized(seconds=self._clock() - began)
        if self.max_seconds is not None:
            left, most = self.max_seconds - (self._clock() - began), self.max_batch_tokens
            tokens = tokens.first(
                rows=self._cost_model.rows_within(tokens.lengths, seconds=left, max_batch_tokens=most)
            )
        probabilities = np.empty((len(tokens.lengths), len(self._card.labels)), dtype=np.float32)
        embeddings = np.empty((len(tokens.lengths), self._card.dim), dtype=np.float32)
        pending = self._cut(tokens, np.arange(len(tokens.lengths)))
        while pending:
            rows = pending.pop()  # longest rows first: what does not fit shows at once
            try:
                answers = self._pass(tokens, rows)
            except DeviceOutOfMemory:
                self.meter.out_of_memory()
                if len(rows) == 1:
                    raise
                self._shrink(int(tokens.lengths[rows].max()) * len(rows))
                pending = self._cut(tokens, np.concatenate([*pending, rows]))
                continue
            said = self._head.probabilities(answers.features) if self._head else answers.features
            _require_finite(said, answers.embeddings)
            probabilities[rows] = said
            embeddings[rows] = answers.embeddings
        return joined_windows(tokens, probabilities, embeddings, self._card)

    def _pass(self, tokens: Tokens, rows: NDArray[np.int64]) -> Answers:
        batch = self._tokenizer.pad(tokens, rows)
        began = self._clock()
        answers = self._engine.embed_and_classify(batch)  # on the host when it returns, so the device is done
        seconds = self._clock() - began
        real = int(tokens.lengths[rows].sum())
        self.meter.passed(seconds=seconds, real_tokens=real, padding_tokens=batch.input_ids.size - real)
        if self.max_seconds is not None:  # before, a model warms up
            self._cost_model.observe(rows=batch.input_ids.shape[0], width=batch.input_ids.shape[1], seconds=seconds)
        return answers

    def _tokenize(self, texts: Sequence[str]) -> Tokens:
        try:
            return self._tokenizer.tokenize(texts)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # foreign code: its message could quote the text, its panics are no Exception
            raise PredictorError(
                f"the tokenizer raised {type(error).__name__} on {len(texts)} texts; expected strings that are UTF-8"
            ) from error

    def _cut(self, tokens: Tokens, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        cut_rows = cut_equal_lengths if tokens.unpadded else cut_batches
        cut = cut_rows(tokens.lengths[rows], max_batch_tokens=self.max_batch_tokens)
        return [rows[batch] for batch in cut]

    def _shrink(self, failed_tokens: int) -> None:
        before, self.max_batch_tokens = self.max_batch_tokens, max(1, failed_tokens // 2)
        log.warning(
            "the device was full: smaller batches from now on", max_batch_tokens=self.max_batch_tokens, before=before
        )


def _require_finite(probabilities: Probabilities, embeddings: Embeddings) -> None:
    for name, values in (("probabilities", probabilities), ("embeddings", embeddings)):
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).any(axis=1).sum())
            raise PredictorError(
                f"{name}: expected finite numbers, got NaN or infinity for {bad} of {len(values)} texts"
            )
