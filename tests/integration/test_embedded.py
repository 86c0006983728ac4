"""The launchers, against the real programs."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.integration.waiting import wait_until
from textsieve.embedded import die_with_parent
from textsieve.embedded.broker import Broker
from textsieve.embedded.child import Child
from textsieve.embedded.errors import BinaryMissing, PortTaken, StartFailed
from textsieve.embedded.listening import LOOPBACK, free_port, is_taken, owns_listener
from textsieve.embedded.server import Server
from textsieve.embedded.services import start_services
from textsieve.embedded.store import Store, answers_ping

STARTER = """
import signal, sys
from textsieve.embedded.services import start_services
with start_services() as services:
    print(services.broker.pid, services.store.pid, flush=True)
    signal.pause()
"""


# a child tied to its parent as on a platform without PR_SET_PDEATHSIG
WATCHED = """
import os, signal, subprocess, sys
tied = "import runpy, sys; sys.platform = 'darwin'; runpy.run_path({die_with_parent!r}, run_name='__main__')"
command = [sys.executable, "-I", "-c", tied, str(os.getpid()), "/bin/sleep", "60"]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
signal.pause()
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_broker_keeps_what_is_sent_and_gives_it_back(broker, names) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    producer.send(names.messages, b"hello", partition=0).get(timeout=60)
    producer.close()

    consumer = KafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(names.messages, 0)])
    received = [record.value for batch in consumer.poll(timeout_ms=5000).values() for record in batch]
    consumer.close()

    assert [b"hello"] == received


def test_the_store_never_evicts(store) -> None:
    with redis.Redis.from_url(store) as client:
        assert {"maxmemory-policy": "noeviction"} == client.config_get("maxmemory-policy")


def test_leaving_the_context_leaves_no_process() -> None:
    with start_services() as services:
        pids = [services.broker.pid, services.store.pid]

    assert [False, False] == [is_alive(pid) for pid in pids]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_orphan_is_left_when_the_parent_dies(number, tmp_path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(word) for word in parent.stdout.readline().split()]
        alive_before = [is_alive(pid) for pid in pids]
        parent.send_signal(number)
        parent.wait(10)

    assert [True, True] == alive_before
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.parametrize("kind", [Broker, Store])
def test_a_taken_port_is_named_with_the_option_that_helps(kind) -> None:
    with socket.create_server((LOOPBACK, 0)) as squatter:
        port = squatter.getsockname()[1]

        with pytest.raises(PortTaken, match=f"{port}: it is taken; choose another with --{kind(port=port).name}-port"):
            kind(port=port).start()


@pytest.mark.parametrize("kind", [Broker, Store])
def test_another_port_is_tried_when_somebody_was_faster(kind, monkeypatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as squatter:
        taken, free = squatter.getsockname()[1], free_port()
        offers = iter([taken, free])
        looks = iter([False])  # the first look comes too early: the port is taken right after it
        monkeypatch.setattr("textsieve.embedded.server.free_port", lambda: next(offers))
        monkeypatch.setattr("textsieve.embedded.server.is_taken", lambda port: next(looks, is_taken(port)))

        with kind() as server:
            assert free == server.port


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc tells who listens")
def test_an_answer_from_somebody_else_is_not_readiness(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("textsieve.embedded.server.READY_SECONDS", 0.5)
    with Store() as other:
        mute = Server(
            name="mute",
            command=lambda _: (sys.executable, "-c", "import time; time.sleep(60)"),
            answers=lambda _: answers_ping(other.port),
            directory=tmp_path,
        )

        assert owns_listener(other.pid, other.port)
        assert not owns_listener(os.getpid(), other.port)
        with pytest.raises(StartFailed, match="did not answer"):
            mute.start()


@pytest.mark.parametrize("kind", [Broker, Store])
def test_a_program_that_is_no_server_is_named_with_its_exit_code_and_its_words(kind, tmp_path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho I am no server\n")
    program.chmod(0o755)

    with pytest.raises(StartFailed, match=r"(?s)program\) ended with exit code 0 before .*I am no server"):
        kind(binary=program).start()


def test_a_program_of_another_platform_is_named(tmp_path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF nothing this machine can run")
    program.chmod(0o755)

    with pytest.raises(StartFailed, match="Exec format error"):
        Broker(binary=program).start()


def test_a_missing_program_is_named_with_its_option(tmp_path) -> None:
    with pytest.raises(BinaryMissing, match="--store-bin"):
        Store(binary=tmp_path / "absent")


def test_a_durable_store_killed_and_started_again_has_every_write(tmp_path) -> None:
    with Store(data_directory=tmp_path) as server:
        address = server.redis_url
        with redis.Redis.from_url(address) as client:
            client.hset("centroids", "learned", 42)
        server.kill()
        server.start()

        with redis.Redis.from_url(server.redis_url) as client:
            assert (address, b"42") == (server.redis_url, client.hget("centroids", "learned"))


def test_a_store_forgets_by_default() -> None:
    with Store() as server:
        with redis.Redis.from_url(server.redis_url) as client:
            client.set("key", "value")
        server.restart()

        with redis.Redis.from_url(server.redis_url) as client:
            assert client.get("key") is None


def test_a_child_is_refused_outside_the_main_thread(tmp_path) -> None:
    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(Child, ["/bin/true"], log_path=tmp_path / "log")

        with pytest.raises(StartFailed, match="main thread"):
            attempt.result()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_pipe_ends_a_child_where_the_kernel_does_not(number) -> None:
    script = WATCHED.format(die_with_parent=die_with_parent.__file__)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        alive_before = is_alive(pid)
        parent.send_signal(number)

    assert alive_before
    assert wait_until(lambda: not is_alive(pid))
