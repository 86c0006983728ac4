"""What `trainer seed` writes to a real store is what a worker's clusters go on with."""

import json
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.services import Names
from tests.tiny_models import save_model, tiny_config
from textsieve.trainer.__main__ import app
from textsieve.worker.clustering.centroids import PoolRows
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import space_of
from textsieve.worker.connectors.redis import RedisCentroidStore, connect
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Observations, Partition, Position
from textsieve.worker.settings import ClusterSettings, ModelSettings, RedisSettings
from textsieve.worker.testing import ManualClock

K = 4
IN = Partition("in", 0)
WORDS = ("free", "prize", "win", "cash", "see", "home", "dinner", "late", "call", "now", "you", "at")
TEXTS = tuple(f"{first} {second}" for first in WORDS for second in WORDS)
GROUP = "seeders"


class Place:
    """A cluster space of a real store, and what a worker of these settings would do with it."""

    def __init__(self, folder, url: str, space: str) -> None:
        self.folder, self.url, self.space = folder, url, space
        encoder = save_model(folder / "encoder", tiny_config(hidden_size=16, num_hidden_layers=1, intermediate_size=32))
        (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), "utf-8")
        # labels make it a zero-shot model: what a worker can serve without a head
        self.config = folder / "textsieve.toml"
        self.config.write_text(
            f"""
[kafka]
group_id = "{GROUP}"
[redis]
url = "{url}"
[clusters]
space = "{space}"
k = {K}
[model]
path = "{encoder}"
engine = "torch"
threads = 1
[model.labels]
money = ["free cash"]
people = ["see you"]
""",
            encoding="utf-8",
        )
        self.predictor: Predictor = load_embedder(ModelSettings(path=str(encoder), engine="torch"))[0]
        agreed = space_of(ClusterSettings(k=K), model=self.predictor.card.fingerprint, group=GROUP)
        self.client = connect(RedisSettings(url=url))
        self.store = RedisCentroidStore(self.client, space, agreed)

    def seed(self, *more: str):
        arguments = ["seed", str(self.folder / "texts.jsonl"), "--config", str(self.config), "--json", *more]
        return CliRunner().invoke(app, arguments)

    def worker(self) -> OnlineClusters:
        clusters = OnlineClusters(self.store, self.store.space, Random(1), ManualClock().advance)
        clusters.watermarks()
        clusters.begin({IN: Position(0, "life")})
        return clusters

    def embed(self, texts):
        return self.predictor.predict(list(texts)).embeddings


@pytest.fixture
def place(tmp_path, store: str, names: Names) -> Iterator[Place]:
    made = Place(tmp_path, store, names.space)
    yield made
    made.client.delete(made.store.key, made.store.pool_key)
    made.client.close()


def observe(clusters: OnlineClusters, embeddings) -> None:
    count = len(embeddings)
    rows = Observations([IN] * count, np.arange(count), embeddings, clusters.assign(embeddings).cluster_ids)
    clusters.observe(rows, {IN: count})


def test_a_worker_gives_clusters_from_its_first_message_and_learns_on(place):
    result = place.seed()

    assert 0 == result.exit_code, result.stderr
    assert (place.space, GROUP, K, len(TEXTS), 0) == tuple(
        json.loads(result.stdout)[name] for name in ("space", "group", "k", "texts", "pooled")
    )
    clusters, embeddings = place.worker(), place.embed(TEXTS[:20])
    assert set(clusters.assign(embeddings).cluster_ids.tolist()) <= set(range(K))
    observe(clusters, embeddings)
    assert 20 == clusters.learn().rows
    found = place.store.load()
    assert (20, len(TEXTS) + 20, {IN: Position(20, "life")}) == (found.learned, found.counts.sum(), found.watermarks)


def test_rows_that_workers_have_pooled_are_taken_in_with_their_watermarks(place):
    rows = place.embed(TEXTS[:3])
    place.store.pool(PoolRows(tuple((IN, offset) for offset in range(3)), rows, {IN: Position(3, "life")}))

    result = place.seed()

    assert 3 == json.loads(result.stdout)["pooled"]
    found = place.store.load()
    assert (3, len(TEXTS) + 3, {IN: Position(3, "life")}) == (found.learned, found.counts.sum(), found.watermarks)
    assert not place.client.exists(place.store.pool_key)


def test_centroids_are_not_overwritten_unless_told_to(place):
    place.seed()
    first = place.store.revision()
    observe(clusters := place.worker(), place.embed(TEXTS[:5]))
    clusters.learn()

    refused = place.seed()
    kept = place.store.load()
    replaced = place.seed("--replace")

    assert 2 == refused.exit_code
    assert "expected a space without centroids" in refused.stderr
    assert (5, {IN: Position(5, "life")}) == (kept.learned, kept.watermarks)
    assert 0 == replaced.exit_code, replaced.stderr
    found = place.store.load()
    assert first != found.revision
    assert (0, {}) == (found.learned, found.watermarks)


def test_the_space_of_another_group_is_refused(place):
    place.seed()

    result = place.seed("--set", "kafka.group_id=others")

    assert 2 == result.exit_code
    assert "expected group others" in result.stderr


def test_too_few_texts_for_k_are_refused(place):
    result = place.seed("--sample", "3")

    assert 2 == result.exit_code
    assert f"expected at least {K} distinct texts (clusters.k), got 3" in result.stderr
