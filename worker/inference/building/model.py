"""What every engine of a model is made from, and the predictor over one."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path

from textsieve.worker.batching import cut_batches
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.cpu_info import usable_cores
from textsieve.worker.inference.engines.engine import Engine, TokenBatch
from textsieve.worker.inference.engines.onnx import FORMAT
from textsieve.worker.inference.engines.report import Candidate, EngineReport
from textsieve.worker.inference.heads.linear import Head
from textsieve.worker.inference.model_folder.folder import ModelFolder
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokenizer
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard

_RANGING_BATCH_TOKENS = 256  # of a device batch, while ranges are found


@dataclass(frozen=True, slots=True)
class Model:
    """What every engine is made from.

    Attributes:
        files: what its folder says; the network is built from it where no graph is at hand.
        head: reads what the engine hands over.
        head_pooling: makes what the head reads, unscaled; None: it reads the embedding, or logits.
    """

    files: ModelFolder
    head: Head
    card: ModelCard
    head_pooling: Pooling | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """With its window."""
        return self.files.tokenizer

    @property
    def identity(self) -> str:
        """32 hex digits of all that its graph depends on; neither the head nor any version of a library is in them.

        A graph may so be made where torch is, and be served where it is not.
        """
        kind = "encoder" if self.files.head is None else "classifier"
        parts = [FORMAT, kind, self.files.weights_sha256, self.files.files_sha256, self.files.pooling]
        return hashlib.sha256(json.dumps([*parts, self.head_pooling]).encode()).hexdigest()[:32]


def graph_key(model: Model, candidate: Candidate, *, way: str = "") -> str:
    """The name of a graph: precision, in which way, and what it was made from."""
    return "-".join(part for part in (candidate.precision, way, model.identity) if part)


def ranging_batches(model: Model) -> Iterator[TokenBatch]:
    """Every other calibration text: the trials compare what was made by them on the others, too."""
    tokens = model.tokenizer.tokenize(calibration_texts(model.tokenizer.tokenize)[::2])
    for rows in cut_batches(tokens.lengths, max_batch_tokens=_RANGING_BATCH_TOKENS):
        yield model.tokenizer.pad(tokens, rows)


def require_torch(folder: Path) -> None:
    """Say how to install it where it is needed and not there.

    Raises:
        ConfigurationError: torch or transformers are not installed.
    """
    absent = [name for name in ("torch", "transformers", "onnx") if util.find_spec(name) is None]
    if absent:
        raise ConfigurationError(
            f"{folder}: expected {' and '.join(absent)}, to run this model or to make its graph, got none; run "
            "`make torch`, or `pip install 'textsieve[torch]'`, or set model.path to default"
        )


def as_set(candidate: Candidate, max_batch_tokens: int) -> EngineReport:
    """The report where nothing was chosen, on all cores."""
    return EngineReport(candidate.engine, candidate.precision, "as set", max_batch_tokens, usable_cores())


def predictor_over(engine: Engine, model: Model, report: EngineReport) -> TransformerPredictor:
    """The predictor of a model over an engine."""
    return TransformerPredictor(
        replace(model.card, engine=report.candidate.name),
        tokenizer=model.tokenizer,
        engine=engine,
        head=model.head,
        max_batch_tokens=report.max_batch_tokens,
        report=report,
    )
