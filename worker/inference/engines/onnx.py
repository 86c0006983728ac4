"""The engine that runs an exported graph with ONNX Runtime on a CPU."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from textsieve.worker.errors import ConfigurationError, DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import Answers, TokenBatch

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("features", "embeddings")
FORMAT = 3  # of our graphs; grows when the same network would be exported otherwise

# Official builds from 1.29 on tell their maker of every process and session, with the program's path and a number kept
# for this machine. It is read during the import: `disable_telemetry_events` would come too late for the first of it.
TELEMETRY_IS_OFF = "ORT_DISABLE_TELEMETRY"

# how its allocators say it; a failure inside an operator comes as a plain RuntimeException with such words
_OUT_OF_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory")


class Session(Protocol):
    """The part of onnxruntime.InferenceSession that is used."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.int64]]) -> Sequence[Any]:
        """All outputs for one feed."""
        ...


def open_session(
    graph: bytes | Path, *, threads: int | None, weights: Mapping[str, NDArray[Any]] | None = None
) -> Session:
    """Load a graph that answers INPUTS with OUTPUTS.

    Args:
        graph: an ONNX model, or the file that holds one, which takes less memory.
        threads: of one operator; all cores if None.
        weights: those that are not inside.

    Raises:
        ConfigurationError: ONNX Runtime is not installed.
        PredictorError: it does not take the graph.
    """
    os.environ.setdefault(TELEMETRY_IS_OFF, "1")
    try:
        import onnxruntime  # noqa: PLC0415  # optional, and not loaded where another engine runs
    except ImportError as error:
        raise ConfigurationError(
            "model.engine: onnx needs the package onnxruntime, which is not installed; "
            "run `pip install onnxruntime` or set model.engine to torch"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a plan of one shape is of no use to the next, and each would be kept
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # another worker may need the core
    options.log_severity_level = 4  # what matters is raised
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in (weights or {}).values()]
    try:
        if weights:
            options.add_external_initializers(list(weights), values)
        source = str(graph) if isinstance(graph, Path) else graph
        session: Session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base but this
        raise PredictorError(f"ONNX Runtime refused the graph: {type(error).__name__}") from error
    return _Fed(session, values) if values else session


class _Fed:
    """A session over weights that it reads where they lie: they live as long as it does."""

    def __init__(self, session: Session, weights: Sequence[Any]) -> None:
        self._session = session
        self._weights = weights

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.int64]]) -> Sequence[Any]:
        """See Session."""
        return self._session.run(output_names, input_feed)


class OnnxEngine:
    """Runs the graph of an encoder and its pooling, or of a whole classifier.

    Args:
        session: see `open_session`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        """Run one padded batch; see `Engine` for the contract."""
        try:
            features, embeddings = self._session.run(
                OUTPUTS, dict(zip(INPUTS, (batch.input_ids, batch.attention_mask), strict=True))
            )
        except Exception as error:  # its exceptions share no base but this, and a message may quote values
            rows, width = batch.input_ids.shape
            if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _OUT_OF_MEMORY):
                raise DeviceOutOfMemory(
                    f"cpu: no memory for {rows} texts of up to {width} tokens; lower model.max_batch_tokens"
                ) from error
            raise PredictorError(
                f"ONNX Runtime raised {type(error).__name__} on {rows} texts of up to {width} tokens"
            ) from error
        return Answers(features=features, embeddings=embeddings)
