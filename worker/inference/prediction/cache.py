"""Remembers the answers to the latest texts, so that exact repeats need no forward pass."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.inference.predictor import Meter, Metered, ModelCard, NoMeter, Predictor, TimeLimited
from textsieve.worker.records import Predictions

_DIGEST_BYTES = 16  # two texts in 2^64 share one by chance


class CachingPredictor:
    """A `Predictor` that asks another one only for texts it has not seen lately.

    A repeat is the same string, nothing folded: what a tokenizer folds differs between models, and an answer from here
    must be the one the model would give. So when the model's engine changes, all is forgotten. Texts are kept as keyed
    hashes, answers as rows of arrays that are allocated, and touched, once: 4 x (labels + dim) + 9 bytes for each, and
    about 200 for its hash.

    Args:
        predictor: answers what is not known.
        messages: answers kept; the one unused for longest makes room.
    """

    def __init__(self, predictor: Predictor, *, messages: int) -> None:
        card = predictor.card
        self._predictor = predictor
        self._meter: Meter = NoMeter()
        self._salt = os.urandom(16)  # nobody can make up a text whose hash is another's
        self._slots: OrderedDict[bytes, int] = OrderedDict()  # the least recently used first
        self._messages = messages
        self._engine = card.engine  # whose answers are kept
        self._known = Predictions(
            probabilities=np.full((messages, len(card.labels)), 0, np.float32),
            embeddings=np.full((messages, card.dim), 0, np.float32),
            token_counts=np.full(messages, 0, np.int64),
            truncated=np.full(messages, 0, np.bool_),
        )

    @property
    def card(self) -> ModelCard:
        """The model's."""
        return self._predictor.card

    @property
    def meter(self) -> Meter:
        """Told what every call spends; the predictor behind is given the same one."""
        return self._meter

    @meter.setter
    def meter(self, meter: Meter) -> None:
        self._meter = meter
        if isinstance(self._predictor, Metered):
            self._predictor.meter = meter

    @property
    def max_seconds(self) -> float | None:
        """See TimeLimited; of the predictor behind, for what is known takes no time."""
        return self._predictor.max_seconds if isinstance(self._predictor, TimeLimited) else None

    @max_seconds.setter
    def max_seconds(self, seconds: float | None) -> None:
        if isinstance(self._predictor, TimeLimited):
            self._predictor.max_seconds = seconds

    def predict(self, texts: Sequence[str]) -> Predictions:
        """As the predictor behind would answer; repeats within `texts` are asked once.

        Raises:
            DeviceOutOfMemory, PredictorError: the predictor behind raised it, and nothing of this call is kept.
        """
        digests = [self._digest(text) for text in texts]
        firsts: dict[bytes, int] = {}  # of each distinct text its place in `texts`
        for place, digest in enumerate(digests):
            firsts.setdefault(digest, place)
        asked = [digest for digest in firsts if digest not in self._slots]
        fresh = self._predictor.predict([texts[firsts[digest]] for digest in asked]) if asked else None
        if self.card.engine != self._engine:  # it was changed before that call: ask for the rest, once
            self._engine = self.card.engine
            self._slots.clear()
            return self.predict(texts)
        if fresh is not None and len(fresh.token_counts) < len(asked):  # there was no time for more
            unanswered = firsts[asked[len(fresh.token_counts)]]
            asked, digests = asked[: len(fresh.token_counts)], digests[:unanswered]
            firsts = {digest: place for digest, place in firsts.items() if place < unanswered}
        self._meter.looked_up(hits=len(digests) - len(asked), misses=len(asked))
        recalled = [digest for digest in firsts if digest in self._slots]
        slots = [self._slots[digest] for digest in recalled]
        table = _rows(self._known, np.asarray(slots, np.intp)) if slots or fresh is None else fresh
        if slots and fresh is not None:
            table = Predictions.joined([table, fresh])
        for digest in recalled:
            self._slots.move_to_end(digest)
        if fresh is not None:
            self._keep(asked, fresh)
        if len(asked) == len(digests):
            return table  # nothing was known, nothing comes twice: it is in order
        rows = {digest: row for row, digest in enumerate([*recalled, *asked])}
        return _rows(table, np.asarray([rows[digest] for digest in digests], np.intp))

    def _keep(self, digests: Sequence[bytes], answers: Predictions) -> None:
        """Make room for the last answers that fit and copy them."""
        last = digests[-self._messages :]
        slots = np.empty(len(last), np.intp)
        for row, digest in enumerate(last):
            full = len(self._slots) >= self._messages
            slots[row] = self._slots.popitem(last=False)[1] if full else len(self._slots)
            self._slots[digest] = int(slots[row])
        known = self._known
        known.probabilities[slots] = answers.probabilities[-len(last) :]
        known.embeddings[slots] = answers.embeddings[-len(last) :]
        known.token_counts[slots] = answers.token_counts[-len(last) :]
        known.truncated[slots] = answers.truncated[-len(last) :]

    def _digest(self, text: str) -> bytes:
        # a lone surrogate is no UTF-8, which is the model's to refuse
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=self._salt).digest()


def _rows(answers: Predictions, rows: NDArray[np.intp]) -> Predictions:
    """Copies of some rows, in that order."""
    return Predictions(
        probabilities=answers.probabilities[rows],
        embeddings=answers.embeddings[rows],
        token_counts=answers.token_counts[rows],
        truncated=answers.truncated[rows],
    )
