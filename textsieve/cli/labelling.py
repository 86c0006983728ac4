"""Labels texts as a worker would, outside any stream."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from textsieve.worker.clustering.space import space_of
from textsieve.worker.connectors import redis as store
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.inference.loading import open_model
from textsieve.worker.inference.predictor import ModelCard, Predictor
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import NO_CLUSTER, Assignments, Embeddings, Outgoing, Record
from textsieve.worker.settings import InputSettings, OutputSettings, Settings

Labeller = Callable[[Sequence[bytes | None]], list[dict[str, Any]]]

_OF_A_STREAM = ("id", "source", "processed_ms")  # what an answer outside a stream has nothing to say about


def labeller(settings: Settings, *, warn: Callable[[str], object], predictor: Predictor | None = None) -> Labeller:
    """A function from messages, as the wire contract has them, to answers in the same order.

    An answer is a result without what belongs to a stream; or `error` and `detail`, the reason of a dead letter.

    Args:
        settings: the workers'.
        warn: hears why there are no clusters, though a store is set.
        predictor: stands in for the settings' model.

    Raises:
        ConfigurationError: the model cannot be loaded.
    """
    used: Predictor = predictor or open_model(settings.model).predictor  # nobody waits for the fastest engine here
    card = used.card
    plain = settings.model_copy(  # what is asked here is an object with a text, whatever the stream has
        update={
            "input": InputSettings(max_value_bytes=settings.input.max_value_bytes),
            "output": OutputSettings(embedding=settings.output.embedding),
        }
    )
    pipeline = build_pipeline(
        plain, predictor=used, assign=_assign(settings, card, warn), now_ms=lambda: time.time_ns() // 1_000_000
    )
    return lambda values: _answers(pipeline, values)


def _answers(pipeline: Pipeline, values: Sequence[bytes | None]) -> list[dict[str, Any]]:
    records = [Record("", 0, row, None, value, 0) for row, value in enumerate(values)]
    outcome = pipeline.process(records)
    answers = {result.offset: _answer(result) for result in outcome.results}
    answers |= {dead_letter.offset: _refusal(dead_letter) for dead_letter in outcome.dead_letters}
    return [answers[row] for row in range(len(records))]


def _answer(result: Outgoing) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.json.decode(result.value or b"")
    return {name: content for name, content in value.items() if name not in _OF_A_STREAM}


def _refusal(dead_letter: Outgoing) -> dict[str, Any]:
    said = dict(dead_letter.headers)
    return {"error": said["textsieve.reason"].decode(), "detail": said["textsieve.detail"].decode()}


def _assign(settings: Settings, card: ModelCard, warn: Callable[[str], object]) -> Callable[[Embeddings], Assignments]:
    """The nearest centroid of the workers' space, where there is one."""
    if "url" not in settings.redis.model_fields_set:  # nobody spoke of a store
        return _no_clusters
    try:
        space = space_of(settings.clusters, model=card.fingerprint, group=settings.kafka.group_id)
        snapshot = store.RedisCentroidStore(store.connect(settings.redis), settings.clusters.space, space).peek()
    except (StoreUnavailable, ConfigurationError) as error:
        warn(f"no clusters: {error}")
        return _no_clusters
    if snapshot is None:
        warn(f"no clusters: clusters.space {settings.clusters.space!r} has none yet")
        return _no_clusters
    if snapshot.model != card.fingerprint:
        warn(f"no clusters: those of clusters.space {settings.clusters.space!r} were learned with another model")
        return _no_clusters
    from textsieve.worker.clustering import minibatch  # noqa: PLC0415  # scikit-learn takes a second: only where it is needed

    estimator = minibatch.restore(minibatch.Clustering(snapshot.centers, snapshot.counts))
    return lambda embeddings: minibatch.assign(estimator, embeddings, version=snapshot.version)


def _no_clusters(embeddings: Embeddings) -> Assignments:
    rows = len(embeddings)
    return Assignments(np.full(rows, NO_CLUSTER, np.int64), np.zeros(rows, np.float32), 0)
