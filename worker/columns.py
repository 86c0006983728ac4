"""The columns that stages give each other; a stage whose column nobody else reads keeps it in its own file."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import UnsetType
from numpy.typing import NDArray

from textsieve.worker.batch import Column
from textsieve.worker.records import ClusterIds, Distances, Embeddings, LabelIds, Outgoing, Probabilities

# Of a message
TEXT: Final = Column[Sequence[str]]("text")  # as it came
DOCUMENT_ID: Final = Column[Sequence[str | None]]("document_id")
ATTRIBUTES: Final = Column[Sequence[Mapping[str, object]]]("attributes")  # msgspec.Raw: passed on byte for byte

# Of a text as the model reads it
MODEL_TEXT: Final = Column[Sequence[str]]("model_text")
NORMALIZED: Final = Column[Sequence[tuple[str, ...] | UnsetType]]("normalized")  # rules, unset without a disguise

# Of the model's answer
PROBABILITIES: Final = Column[Probabilities]("probabilities")  # [rows, labels]
EMBEDDING: Final = Column[Embeddings]("embedding")  # [rows, dim]
TOKEN_COUNT: Final = Column[NDArray[np.int64]]("token_count")  # [rows], of the tokens that were read
TRUNCATED: Final = Column[NDArray[np.bool_]]("truncated")  # [rows], whether the text goes on behind them

# Of the labels that are given by it
LABEL_ID: Final = Column[LabelIds]("label_id")  # [rows], the best one
LABEL_SCORE: Final = Column[NDArray[np.float32]]("label_score")  # [rows], its probability
LABEL: Final = Column[Sequence[str]]("label")
LABELS: Final = Column[Sequence[Sequence[str]]]("labels")  # all that are given
SCORES: Final = Column[Sequence[Mapping[str, float]]]("scores")  # of all labels, rounded as results have them

# Of the shared centroids
CLUSTER_ID: Final = Column[ClusterIds]("cluster_id")  # [rows], NO_CLUSTER before there are any
DISTANCE: Final = Column[Distances]("distance")  # [rows]

RESULT: Final = Column[Sequence[Outgoing]]("result")  # the answer as it is sent
