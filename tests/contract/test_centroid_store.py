"""What every CentroidStore does, asked of the one in memory and of a real one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from random import Random

import numpy as np
import pytest
from pydantic import SecretStr, ValidationError

from tests.contract.stores import redis_settings
from textsieve.embedded.listening import free_port
from textsieve.embedded.topics import Names
from textsieve.worker.clustering.centroids import RESET, CentroidStore, PoolRows, SeedPool, Snapshot
from textsieve.worker.clustering.online import OnlineClusters
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.connectors.redis import RedisCentroidStore, check_memory_policy, connect
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.records import Observations, Partition, Position
from textsieve.worker.settings import RedisSettings
from textsieve.worker.testing import ManualClock, MemoryCentroidStore

K, DIM = 3, 4
LEFT, RIGHT = Partition("in", 0), Partition("in.other_topic", 11)
SPACE = ClusterSpace("model", "group", K, 6, 60.0)


@dataclass(frozen=True)
class Backend:
    """One cluster space that nobody else uses."""

    store: CentroidStore  # the same for every test of a space
    another: Callable[[], CentroidStore]  # as another worker would reach it
    reset: Callable[[], None]
    later: Callable[[int], None]  # so many seconds pass for what is pooled


@dataclass
class Redis:
    """A real store, with clients that are closed at the end."""

    settings: RedisSettings
    name: str
    clients: ExitStack

    def store(self, space: ClusterSpace = SPACE) -> RedisCentroidStore:
        client = connect(self.settings)
        self.clients.callback(client.close)
        return RedisCentroidStore(client, self.name, space)

    def later(self, seconds: int) -> None:
        """As if the pool had been written so long ago."""
        mine = self.store()
        for name in ("started", "latest"):
            mine.client.hincrby(mine.pool_key, name, -seconds)


@contextmanager
def opened(settings: RedisSettings, name: str) -> Iterator[Redis]:
    with ExitStack() as clients:
        found = Redis(settings, name, clients)
        yield found
        mine = found.store()
        mine.client.delete(mine.key, mine.pool_key)


@pytest.fixture
def real(store: str, names: Names) -> Iterator[Redis]:
    with opened(RedisSettings(url=store), names.space) as found:
        yield found


@pytest.fixture(params=["memory", "single", "sentinel", "cluster"])
def backend(request: pytest.FixtureRequest, names: Names) -> Iterator[Backend]:
    if request.param == "memory":
        memory = MemoryCentroidStore()
        yield Backend(memory, lambda: memory, memory.reset, memory.clock.advance)
        return
    with opened(redis_settings(request.param, request), names.space) as real:
        yield Backend(real.store(), real.store, real.store().reset, real.later)


@pytest.fixture(params=["memory", "redis"])
def absent(request: pytest.FixtureRequest) -> Iterator[CentroidStore]:
    if request.param == "memory":
        yield MemoryCentroidStore(away=True)
        return
    settings = RedisSettings(url=f"redis://127.0.0.1:{free_port()}/0", timeout_seconds=0.2)
    with connect(settings) as client:
        yield RedisCentroidStore(client, "nowhere", SPACE)


def snapshot(revision: str = "r1", **changes: object) -> Snapshot:
    rng = np.random.default_rng(1)
    return replace(
        Snapshot(
            revision=revision,
            version=1,
            model="model",
            group="group",
            learned=10,
            centers=rng.standard_normal((K, DIM)).astype(np.float32),
            counts=rng.uniform(0, 1e6, K),
            watermarks={LEFT: Position(7, "life")},
        ),
        **changes,
    )


def rows(partition: Partition, offsets: range, *, value: float = 0.5, life: str = "life") -> PoolRows:
    embeddings = np.full((len(offsets), DIM), value, np.float32)
    embeddings[:, 0] = list(offsets)
    sources = tuple((partition, offset) for offset in offsets)
    return PoolRows(sources, embeddings, {partition: Position(offsets.stop, life)})


def comparable(found: Snapshot | SeedPool | None) -> dict[str, object] | None:
    """Every field, arrays bit for bit."""
    if found is None:
        return None
    values = {field.name: getattr(found, field.name) for field in fields(found) if not field.name.endswith("_seconds")}
    return {
        name: (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


# centroids


def test_an_absent_space_has_neither_revision_nor_snapshot(backend):
    assert (None, None) == (backend.store.revision(), backend.store.load())


def test_a_snapshot_comes_back_as_it_was_written(backend):
    written = snapshot(watermarks={LEFT: Position(7, "life"), RIGHT: Position(2**53 + 1, "")})

    backend.store.replace(written, expected=None)

    assert comparable(written) == comparable(backend.another().load())


def test_numbers_keep_every_bit(backend):
    hardest = snapshot(
        learned=2**63 + 1,
        version=2**53 + 1,
        centers=np.asarray([[1e-45, -0.0, 3.4e38, 1 / 3]] * K, np.float32),
        counts=np.asarray([5e-324, 2.0**53 - 1, 1 / 3]),
    )

    backend.store.replace(hardest, expected=None)

    assert comparable(hardest) == comparable(backend.another().load())


def test_the_revision_is_that_of_the_last_write(backend):
    backend.store.replace(snapshot("r1"), expected=None)

    backend.store.replace(snapshot("r2"), expected="r1")

    assert "r2" == backend.another().revision()


def test_a_write_over_the_expected_revision_replaces_everything(backend):
    backend.store.replace(snapshot("r1"), expected=None)
    changed = snapshot("r2", version=2, learned=20, centers=np.ones((K, DIM), np.float32), counts=np.ones(K))

    done = backend.store.replace(changed, expected="r1")

    assert (True, comparable(changed)) == (done, comparable(backend.store.load()))


@pytest.mark.parametrize("expected", [None, "r0", "r", "r11"])
def test_a_write_over_another_revision_is_refused_and_changes_nothing(backend, expected):
    first = snapshot("r1")
    backend.store.replace(first, expected=None)

    done = backend.store.replace(snapshot("r2", learned=99), expected=expected)

    assert (False, comparable(first)) == (done, comparable(backend.store.load()))


def test_a_write_that_expects_something_is_refused_by_an_absent_space(backend):
    done = backend.store.replace(snapshot("r2"), expected="r1")

    assert (False, None) == (done, backend.store.load())


def test_of_two_who_found_the_space_absent_one_writes(backend):
    other = backend.another()

    assert [True, False] == [
        backend.store.replace(snapshot("r1"), expected=None),
        other.replace(snapshot("r2"), expected=None),
    ]


# the pool


def test_an_unseeded_space_has_an_empty_pool(backend):
    pool = backend.store.pool()

    assert pool is not None
    assert ("", (), {}, 0.0) == (pool.revision, pool.sources, pool.watermarks, pool.age_seconds)


def test_rows_of_all_workers_meet_in_the_pool(backend):
    backend.store.pool(rows(LEFT, range(8, 12)))

    pool = backend.another().pool(rows(RIGHT, range(2)))

    numbered = dict(zip(pool.sources, pool.embeddings[:, 0].tolist(), strict=True))
    assert {
        (LEFT, 8): 8.0,
        (LEFT, 9): 9.0,
        (LEFT, 10): 10.0,
        (LEFT, 11): 11.0,
        (RIGHT, 0): 0.0,
        (RIGHT, 1): 1.0,
    } == numbered
    assert {LEFT: Position(12, "life"), RIGHT: Position(2, "life")} == pool.watermarks


def test_to_look_at_the_pool_changes_nothing(backend):
    added = backend.store.pool(rows(LEFT, range(3)))

    assert comparable(added) == comparable(backend.another().pool())


def test_embeddings_in_the_pool_keep_every_bit(backend):
    embeddings = np.asarray([[1e-45, -0.0, 3.4e38, 1 / 3]], np.float32)

    pool = backend.store.pool(PoolRows(((LEFT, 5),), embeddings, {LEFT: Position(6, "life")}))

    assert embeddings.tobytes() == pool.embeddings.astype(np.float32).tobytes()


def test_a_repeated_row_overwrites_itself(backend):
    backend.store.pool(rows(LEFT, range(4), value=0.1))

    pool = backend.store.pool(rows(LEFT, range(2, 6), value=0.9))

    assert [(LEFT, offset) for offset in range(6)] == list(pool.sources)
    assert np.asarray([0.1, 0.1, 0.9, 0.9, 0.9, 0.9], np.float32).tolist() == pool.embeddings[:, 1].tolist()


def test_a_repetition_in_smaller_steps_does_not_lower_a_watermark(backend):
    backend.store.pool(rows(LEFT, range(10)))

    pool = backend.store.pool(rows(LEFT, range(3)))

    assert {LEFT: Position(10, "life")} == pool.watermarks


def test_another_life_of_a_topic_starts_its_watermark_again(backend):
    backend.store.pool(rows(LEFT, range(10)))

    pool = backend.store.pool(rows(LEFT, range(3), life="next-life"))

    assert {LEFT: Position(3, "next-life")} == pool.watermarks


def test_dead_letters_alone_raise_a_watermark_of_the_pool(backend):
    backend.store.pool(rows(LEFT, range(2)))

    pool = backend.store.pool(PoolRows((), np.empty((0, 0), np.float32), {LEFT: Position(9, "life")}))

    assert (2, {LEFT: Position(9, "life")}) == (len(pool.sources), pool.watermarks)


@pytest.mark.parametrize("partition", [LEFT, RIGHT])
def test_a_pool_that_holds_less_than_it_confirmed_says_so_and_takes_nothing(backend, partition):
    held = backend.store.pool(rows(LEFT, range(4)))
    more = replace(rows(LEFT, range(6, 8)), confirmed={partition: Position(6, "life")})

    pool = backend.store.pool(more)

    assert pool.lost_rows
    assert comparable(replace(held, lost_rows=True)) == comparable(pool)
    assert comparable(held) == comparable(backend.another().pool())


@pytest.mark.parametrize("confirmed", [Position(3, "life"), Position(4, "life"), Position(9, "former-life")])
def test_a_pool_that_holds_what_it_confirmed_takes_more(backend, confirmed):
    backend.store.pool(rows(LEFT, range(4)))

    pool = backend.store.pool(replace(rows(LEFT, range(4, 6)), confirmed={LEFT: confirmed}))

    assert (False, 6) == (pool.lost_rows, len(pool.sources))


def test_every_addition_gives_the_pool_another_revision(backend):
    first = backend.store.pool(rows(LEFT, range(2)))

    second = backend.store.pool(rows(LEFT, range(2)))

    assert len({"", first.revision, second.revision}) == 3


def test_a_pool_is_young(backend):
    pool = backend.store.pool(rows(LEFT, range(2)))

    assert 0 <= pool.age_seconds < 60
    assert 0 <= pool.idle_seconds < 60


def test_a_pool_rests_until_rows_come_again_and_whoever_looks_does_not_disturb_it(backend):
    backend.store.pool(rows(LEFT, range(2)))
    backend.later(100)
    backend.store.pool(PoolRows((), np.empty((0, 0), np.float32), {}, {LEFT: Position(2, "life")}))
    resting = backend.store.pool()

    pool = backend.store.pool(rows(LEFT, range(2, 3)))

    assert 100 <= resting.idle_seconds < 160
    assert 0 <= pool.idle_seconds < 60
    assert 100 <= pool.age_seconds < 160


def test_seeding_takes_the_pool_with_it(backend):
    pool = backend.store.pool(rows(LEFT, range(6)))

    done = backend.store.replace(snapshot("r1"), expected=None, pool_revision=pool.revision)
    backend.reset()

    assert (True, ()) == (done, backend.another().pool().sources)


def test_seeding_from_an_older_pool_is_refused_and_loses_no_row(backend):
    older = backend.store.pool(rows(LEFT, range(6)))
    backend.another().pool(rows(RIGHT, range(2)))

    done = backend.store.replace(snapshot("r1"), expected=None, pool_revision=older.revision)

    assert (False, None, 8) == (done, backend.store.load(), len(backend.store.pool().sources))


def test_a_pool_can_seed_once(backend):
    pool = backend.store.pool(rows(LEFT, range(6)))
    backend.store.replace(snapshot("r1"), expected=None, pool_revision=pool.revision)

    assert not backend.another().replace(snapshot("r2"), expected="r1", pool_revision=pool.revision)


def test_a_space_that_was_seeded_meanwhile_takes_no_more_rows(backend):
    backend.another().replace(snapshot("r1"), expected=None)

    answers = [backend.store.pool(), backend.store.pool(rows(LEFT, range(6)))]

    assert [None, None] == answers


# on purpose


def test_a_reset_space_says_so_and_is_empty(backend):
    backend.store.replace(snapshot("r1"), expected=None)

    backend.reset()

    assert (RESET, None) == (backend.another().revision(), backend.another().load())


def test_a_reset_empties_the_pool(backend):
    backend.store.pool(rows(LEFT, range(6)))

    backend.reset()

    assert () == backend.store.pool().sources


def test_nobody_restores_a_space_that_was_reset(backend):
    backend.store.replace(snapshot("r1"), expected=None)
    backend.reset()

    assert [False, False] == [backend.store.replace(snapshot("r2"), expected=known) for known in (None, "r1")]


def test_a_reset_space_can_be_seeded_anew(backend):
    backend.reset()
    pool = backend.store.pool(rows(LEFT, range(6)))
    anew = snapshot("r2")

    done = backend.store.replace(anew, expected=RESET, pool_revision=pool.revision)

    assert (True, comparable(anew)) == (done, comparable(backend.another().load()))


# an absent store


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.revision(),
        lambda store: store.load(),
        lambda store: store.replace(snapshot(), expected=None),
        lambda store: store.pool(),
        lambda store: store.pool(rows(LEFT, range(1))),
        lambda store: store.reset(),
    ],
    ids=["revision", "load", "replace", "look at the pool", "pool", "reset"],
)
def test_an_absent_store_is_named(absent, ask):
    with pytest.raises(StoreUnavailable):
        ask(absent)


# the real one alone


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ({"model": "another"}, "expected model another, the store holds model"),
        ({"group": "another"}, "expected group another, the store holds group"),
        ({"k": K + 1}, "expected k 4, the store holds 3"),
    ],
)
def test_a_space_of_others_is_refused_with_what_to_do(real, difference, words):
    real.store().replace(snapshot(), expected=None)

    with pytest.raises(ConfigurationError, match=rf"{words}.*clusters\.space"):
        real.store(replace(SPACE, **difference)).load()


@pytest.mark.parametrize(("difference", "words"), [({"model": "another"}, "model"), ({"group": "another"}, "group")])
def test_the_pool_of_others_is_refused_with_what_to_do(real, difference, words):
    real.store().pool(rows(LEFT, range(2)))
    other = real.store(replace(SPACE, **difference))

    for ask in (other.pool, lambda: other.pool(rows(RIGHT, range(2)))):
        with pytest.raises(ConfigurationError, match=rf"expected {words} another.*clusters\.space"):
            ask()
    assert 2 == len(real.store().pool().sources)


@pytest.mark.parametrize(
    "damage",
    [
        {"centers": b"\0" * 7},
        {"centers": np.full((K, DIM), np.nan, "<f4").tobytes()},
        {"counts": b"\0" * 8},
        {"counts": np.full(K, -1.0).tobytes()},
        {"k": "three"},
        {"dim": "-1"},
        {"learned": ""},
        {"revision": b"\xff"},
        {"offset:in": "7@life"},
        {"offset:in:0": "seven"},
    ],
    ids=str,
)
def test_a_damaged_space_is_named_with_what_to_do(real, damage):
    mine = real.store()
    mine.replace(snapshot(), expected=None)
    mine.client.hset(mine.key, mapping=damage)

    with pytest.raises(ConfigurationError, match=r"damaged.*clusters reset"):
        (mine.revision(), mine.load())


@pytest.mark.parametrize("missing", ["model", "k", "dim", "counts", "version", "revision"])
def test_a_space_without_one_of_its_fields_is_damaged(real, missing):
    mine = real.store()
    mine.replace(snapshot(), expected=None)
    mine.client.hdel(mine.key, missing)

    with pytest.raises(ConfigurationError, match=r"damaged.*clusters reset"):
        mine.load()


@pytest.mark.parametrize("damage", [{"row:in:0:9": b"\0" * 4}, {"row:in": b""}, {"offset:in": "7@life"}], ids=str)
def test_a_damaged_pool_is_named_with_what_to_do(real, damage):
    mine = real.store()
    mine.pool(rows(LEFT, range(2)))
    mine.client.hset(mine.pool_key, mapping=damage)

    with pytest.raises(ConfigurationError, match=r"damaged.*clusters reset"):
        mine.pool()


def test_keys_that_hold_something_else_are_a_wrong_setting_and_a_reset_frees_them(real):
    mine = real.store()
    for key in (mine.key, mine.pool_key):
        mine.client.set(key, "not ours")

    for ask in (mine.revision, mine.load, mine.pool, lambda: mine.replace(snapshot(), expected=None)):
        with pytest.raises(ConfigurationError, match="clusters reset"):
            ask()
    mine.reset()
    assert 2 == len(mine.pool(rows(LEFT, range(2))).sources)


def test_keys_of_a_space_live_in_one_slot_of_a_cluster(real, names):
    mine = real.store()

    assert (f"textsieve:{{{names.space}}}:centroids", f"textsieve:{{{names.space}}}:pool") == (mine.key, mine.pool_key)


def test_what_people_read_in_the_hash_is_plain(real):
    mine = real.store()
    mine.replace(snapshot(learned=12, version=3), expected=None)

    found = mine.client.hmget(mine.key, "learned", "version", "k", "dim", "model", "group", "offset:in:0")

    assert [b"12", b"3", b"3", b"4", b"model", b"group", b"7@life"] == found


def test_two_spaces_do_not_meet(real, names):
    real.store().replace(snapshot(), expected=None)

    other = RedisCentroidStore(real.store().client, names.space + "-other", SPACE)

    assert (None, 0) == (other.revision(), len(other.pool().sources))


def test_writers_at_the_same_time_lose_no_update(real):
    workers, learns, batch = 4, 8, 5
    real.store().replace(snapshot(learned=0, counts=np.zeros(K), watermarks={}), expected=None)

    def work(number: int) -> None:
        partition = Partition("in", number)
        clusters = OnlineClusters(real.store(), SPACE, Random(number), ManualClock().advance)
        clusters.begin({partition: Position(0, "life")})
        for start in range(0, learns * batch, batch):
            observed = Observations(
                [partition] * batch,
                np.arange(start, start + batch),
                np.ones((batch, DIM), np.float32),
                np.full(batch, number % K),
            )
            clusters.observe(observed, {partition: start + batch})
            while clusters.has_pending:
                try:
                    clusters.learn()
                except StoreUnavailable:  # too many lost races in a row: nothing is forgotten
                    continue

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))

    found = real.store().load()
    assert workers * learns * batch == found.learned == found.counts.sum()
    assert {Partition("in", n): Position(learns * batch, "life") for n in range(workers)} == found.watermarks


def test_poolers_at_the_same_time_seed_once_with_every_row_they_pooled(real):
    workers, per_worker = 4, 6
    space = replace(SPACE, seed_size=workers * per_worker)

    def work(number: int) -> None:
        partition = Partition("in", number)
        clusters = OnlineClusters(real.store(space), space, Random(number), ManualClock().advance)
        clusters.begin({partition: Position(0, "life")})
        for offset in range(per_worker):
            row = np.random.default_rng((number, offset)).standard_normal((1, DIM)).astype(np.float32)
            clusters.observe(
                Observations([partition], np.asarray([offset]), row, np.asarray([-1])), {partition: offset + 1}
            )
            clusters.learn()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))

    found = real.store(space).load()
    assert workers * per_worker == found.learned == found.counts.sum()


def test_a_store_that_may_evict_centroids_is_noticed(real):
    client = real.store().client
    policy = client.config_get("maxmemory-policy")["maxmemory-policy"]
    try:
        found = []
        for choice in ("allkeys-lru", "allkeys-random", "volatile-lru", "noeviction"):
            client.config_set("maxmemory-policy", choice)
            found.append(check_memory_policy(client))
    finally:
        client.config_set("maxmemory-policy", policy)

    assert ["allkeys-lru", "allkeys-random", None, None] == found


def test_a_store_that_refuses_a_write_for_want_of_memory_is_away_and_nothing_is_half_written(real):
    mine = real.store()
    limit = mine.client.config_get("maxmemory")["maxmemory"]
    mine.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            mine.replace(snapshot(), expected=None)
        found = mine.revision()
    finally:
        mine.client.config_set("maxmemory", limit)

    assert found is None


def test_a_wrong_url_is_a_wrong_setting():
    with pytest.raises(ValidationError, match="redis://host:port/db"):
        RedisSettings(url="http://localhost")


def test_a_refused_login_is_a_wrong_setting(real):
    settings = RedisSettings(url=real.settings.url, username="nobody", password="hunter2")  # no secret

    with connect(settings) as client, pytest.raises(ConfigurationError, match=r"redis\.password") as refused:
        RedisCentroidStore(client, real.name, SPACE).revision()

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("fixture", "changes", "words"),
    [
        ("sentinel", {"topology": "single", "sentinel_service": None}, "sentinel"),
        ("sentinel", {"topology": "cluster", "sentinel_service": None}, "sentinel"),
        ("cluster", {"topology": "single", "nodes": None}, "cluster"),
        ("cluster", {"topology": "sentinel", "sentinel_service": "textsieve"}, "cluster"),
    ],
)
def test_a_topology_that_is_another_is_named(request, fixture, changes, words):
    settings = request.getfixturevalue(fixture).settings.model_copy(update=changes)

    with pytest.raises(ConfigurationError, match=rf"redis\.topology.*set it to .*{words}"):
        RedisCentroidStore(connect(settings), "b", SPACE).load()


@pytest.mark.parametrize("topology", ["cluster", "sentinel"])
def test_a_single_server_that_is_said_to_be_more_is_named(store, topology):
    service = "textsieve" if topology == "sentinel" else None
    settings = RedisSettings(url=store, topology=topology, sentinel_service=service)

    with pytest.raises(ConfigurationError, match=r"redis\.topology.*set it to .*single"):
        RedisCentroidStore(connect(settings), "b", SPACE).load()


@pytest.mark.parametrize(
    ("fixture", "names"),
    [("cluster", "username"), ("sentinel", "username"), ("sentinel", "sentinel_username")],
)
def test_a_login_that_one_of_many_refuses_is_a_wrong_setting(request, fixture, names):
    login = {names: "nobody", names.replace("username", "password"): SecretStr("hunter2")}  # no secret
    settings = request.getfixturevalue(fixture).settings.model_copy(update=login)

    with pytest.raises(ConfigurationError, match=rf"redis\.{names}") as refused:
        RedisCentroidStore(connect(settings), "b", SPACE).load()

    assert "hunter2" not in str(refused.value)


def test_a_service_that_no_sentinel_knows_is_away_by_its_name(sentinel):
    settings = sentinel.settings.model_copy(update={"sentinel_service": "other"})

    with pytest.raises(StoreUnavailable, match=r"'other'.*redis\.sentinel_service"):
        RedisCentroidStore(connect(settings), "b", SPACE).load()


def test_a_cluster_is_found_through_another_node(cluster):
    settings = cluster.settings.model_copy(update={"url": f"redis://127.0.0.1:{free_port()}/0"})

    assert RedisCentroidStore(connect(settings), "b", SPACE).load() is None


def test_sentinels_are_asked_one_after_the_other(sentinel):
    away = {"url": f"redis://127.0.0.1:{free_port()}/0", "nodes": (sentinel.sentinel.address,)}

    assert RedisCentroidStore(connect(sentinel.settings.model_copy(update=away)), "b", SPACE).load() is None


def test_a_cluster_that_is_not_there_is_away():
    settings = RedisSettings(url=f"redis://127.0.0.1:{free_port()}/0", topology="cluster", timeout_seconds=0.2)

    with pytest.raises(StoreUnavailable, match="cannot be connected"):
        RedisCentroidStore(connect(settings), "b", SPACE).load()
