"""The engine that runs an exported graph with ONNX Runtime on a CPU."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from worker.errors import ConfigurationError, DeviceOutOfMemory, PredictorError
from worker.inference.engines.engine import Answers, TokenBatch

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("features", "embeddings")

# how its allocators say it; a failure inside an operator comes as a plain RuntimeException with such words
_OUT_OF_MEMORY = ("failed to allocate memory", "bad_alloc", "bad allocation", "out of memory")


class Session(Protocol):
    """The part of onnxruntime.InferenceSession that is used."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.int64]]) -> Sequence[Any]:
        """All outputs for one feed."""
        ...


def open_session(graph: bytes, *, threads: int | None) -> Session:
    """Load a graph that answers INPUTS with OUTPUTS.

    Args:
        graph: an ONNX model, its weights inside.
        threads: of one operator; all cores if None.

    Raises:
        ConfigurationError: ONNX Runtime is not installed.
        PredictorError: it does not take the graph.
    """
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
    try:
        session: Session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base but this
        raise PredictorError(f"ONNX Runtime refused the graph: {type(error).__name__}") from error
    return session


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
