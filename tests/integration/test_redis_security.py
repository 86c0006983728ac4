"""The store over TLS, as a user who may do what a worker needs and nothing else: the rule of docs/security.md."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from tests.integration.streams import Stream, texts
from tests.services import Brokers
from tests.tls import Authority
from tests.tls_store import PASSWORD, tls_store
from tests.topologies import Clustered
from textsieve.embedded.server import Server
from textsieve.embedded.store import Store
from textsieve.embedded.topics import Names
from textsieve.worker.clustering.centroids import RESET, PoolRows, Snapshot
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.connectors.redis import RedisCentroidStore, check_memory_policy, connect
from textsieve.worker.errors import ConfigurationError, StoreUnavailable
from textsieve.worker.records import Partition, Position
from textsieve.worker.settings import RedisSettings

ROOT = Path(__file__).parents[2]
MESSAGES = Partition("messages", 0)


def documented_rule() -> str:
    """The line of docs/security.md with the password of these tests."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    found = re.search(r"^user textsieve .*$", page, re.MULTILINE)
    assert found is not None
    return found[0].replace(">PASSWORD", f">{PASSWORD}")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secured(tmp_path: Path, authority: Authority) -> Iterator[Server]:
    with tls_store(tmp_path, authority, acl=documented_rule()) as server:
        yield server


def settings(server: Server, authority: Authority, **more: object) -> RedisSettings:
    options = {"username": "textsieve", "password": PASSWORD, "ssl_cafile": authority.cafile, **more}
    return RedisSettings(url=f"rediss://{server.address}/0", **options)


def store(given: RedisSettings, space: str = "default") -> RedisCentroidStore:
    return RedisCentroidStore(connect(given), space, ClusterSpace("model", "group", 2, 2, 1.0))


def snapshot(revision: str = "r1") -> Snapshot:
    return Snapshot(
        revision=revision,
        version=1,
        model="model",
        group="group",
        learned=2,
        centers=np.eye(2, 4, dtype=np.float32),
        counts=np.ones(2),
        watermarks={MESSAGES: Position(2, "id")},
    )


def use(centroids: RedisCentroidStore) -> None:
    """Everything a worker, `check` and `clusters reset` ask of the store."""
    rows = PoolRows(((MESSAGES, 0), (MESSAGES, 1)), np.eye(2, 4, dtype=np.float32), {MESSAGES: Position(2, "id")})

    assert check_memory_policy(centroids.client) is None
    assert centroids.revision() is None
    assert centroids.load() is None
    pool = centroids.pool(rows)
    assert pool is not None
    assert 2 == len(pool.embeddings)
    assert centroids.replace(snapshot(), expected=None, pool_revision=pool.revision)
    assert not centroids.replace(snapshot("r2"), expected="other")
    assert centroids.pool(rows) is None
    loaded = centroids.load()
    assert loaded is not None
    assert {MESSAGES: Position(2, "id")} == loaded.watermarks
    centroids.reset()
    assert RESET == centroids.revision()


def test_the_documented_rule_is_enough(secured: Server, authority: Authority) -> None:
    use(store(settings(secured, authority)))


def test_the_documented_rule_is_enough_on_valkey(tmp_path: Path) -> None:
    with Store(directory=tmp_path) as server:
        admin = connect(RedisSettings(url=f"redis://{server.address}/0"))
        admin.execute_command("ACL", "SETUSER", *documented_rule().removeprefix("user ").split())
        use(store(RedisSettings(url=f"redis://{server.address}/0", username="textsieve", password=PASSWORD)))
        admin.close()


def test_the_documented_rule_is_enough_on_a_cluster_with_what_the_page_adds(cluster: Clustered) -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    found = re.search(r"in a cluster `([^`]+)`", page)
    assert found is not None
    for node in (*cluster.primaries, cluster.replica):
        with connect(RedisSettings(url=f"redis://{node.address}/0")) as admin:
            rule = documented_rule().removeprefix("user ")
            admin.execute_command("ACL", "SETUSER", *rule.split(), *found[1].split())

    login = {"username": "textsieve", "password": SecretStr(PASSWORD)}
    use(store(cluster.settings.model_copy(update=login)))


def test_every_right_of_the_rule_is_needed(tmp_path: Path, authority: Authority) -> None:
    rule = documented_rule()
    rights = re.findall(r"\+\S+", rule)

    for number, right in enumerate(rights):
        folder = tmp_path / str(number)
        folder.mkdir()
        with (
            tls_store(folder, authority, acl=rule.replace(f" {right}", "", 1)) as server,
            pytest.raises(ConfigurationError, match=r"redis: the ACL user may not do this .*docs/security\.md"),
        ):
            use(store(settings(server, authority)))


def test_another_key_is_refused_with_the_page_that_helps(secured: Server, authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match=r"redis: the ACL user may not do this .*docs/security\.md"):
        store(settings(secured, authority), space="another").load()


@pytest.mark.parametrize("login", [{"password": "wrong"}, {"username": "nobody"}, {"username": None, "password": None}])
def test_a_wrong_login_names_its_settings(secured: Server, authority: Authority, login: dict[str, str | None]) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.username, redis\.password") as caught:
        store(settings(secured, authority, **login)).load()

    assert PASSWORD not in str(caught.value)


def test_a_certificate_of_another_authority_is_refused(secured: Server, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"not signed by redis\.ssl_cafile"):
        store(settings(secured, Authority(tmp_path, "stranger"))).load()


def test_a_certificate_for_another_name_is_refused(secured: Server, authority: Authority) -> None:
    given = settings(secured, authority).model_copy(update={"url": f"rediss://localhost:{secured.port}/0"})

    with pytest.raises(StoreUnavailable, match="certificate is for another name"):
        store(given).load()


def test_a_client_certificate_opens_a_store_that_asks_for_one(tmp_path: Path, authority: Authority) -> None:
    client = authority.issue("worker").encrypted("key-password")
    files = {"ssl_certfile": client.certfile, "ssl_keyfile": client.keyfile, "ssl_password": "key-password"}
    with tls_store(tmp_path, authority, acl=documented_rule(), ask_clients=True) as server:
        use(store(settings(server, authority, **files)))

        with pytest.raises(StoreUnavailable, match=r"redis\.(ssl_certfile|url)"):  # the alert or the reset may win
            store(settings(server, authority)).load()


def test_a_worker_learns_over_tls_and_reset_empties_the_space(
    secured: Server, authority: Authority, one_broker: Brokers, names: Names, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n", encoding="utf-8")
    environment = {"TEXTSIEVE_REDIS__PASSWORD_FILE": str(password)}
    given = {"redis__username": "textsieve", "redis__ssl_cafile": authority.cafile, "clusters__space": "default"}
    stream = Stream(one_broker, f"rediss://{secured.address}/0", names, environment=environment)
    reader = store(settings(secured, authority)).client
    try:
        process = stream.start(**given)
        stream.wait_for_topics()
        stream.send(texts(60))
        results, _ = stream.until_answered(60, learned=False)
        code, _ = stream.stop(process)
        reset = subprocess.run(
            [sys.executable, "-m", "worker", "clusters", "reset", "--yes", *stream.flags(**given)],
            env=stream.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        revision = reader.hget("textsieve:{default}:centroids", "revision")
    finally:
        stream.close()
        reader.close()

    assert (0, 60) == (code, len(results))
    assert (0, "") == (reset.returncode, reset.stderr)
    assert RESET.encode() == revision
