"""Words planted in messages and settings are searched for wherever a worker writes."""

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.streams import Stream
from tests.services import Brokers
from tests.tls import Authority
from tests.tls_store import PASSWORD, tls_store
from textsieve.embedded.topics import Names

SECRET = "planted-53cr3t"
TEXT = "planted-t3xt"
FAILING_WORKER = Path(__file__).with_name("failing_worker.py")
POISON = (
    TEXT.encode() + b"\xff",
    f'["{TEXT}"]'.encode(),
    f'{{"text": "{TEXT}", "{TEXT}": {TEXT}}}'.encode(),
    json.dumps({"text": [TEXT]}).encode(),
    json.dumps({"text": "x", "id": {TEXT: 1}}).encode(),
    (TEXT * 100).encode() + b" " * 300_000,
    json.dumps({"text": f"{TEXT} poison"}).encode(),
)


@contextmanager
def silent_server() -> Iterator[tuple[int, bytearray]]:
    """A port that reads what it is sent and never answers."""
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_swallow, args=(listener, received), daemon=True).start()
        yield listener.getsockname()[1], received
        listener.shutdown(socket.SHUT_RDWR)


def _swallow(listener: socket.socket, received: bytearray) -> None:
    try:
        while True:
            connection, _ = listener.accept()
            with connection:
                received.extend(connection.recv(65_536))
    except OSError:
        return


def metrics(stderr_line: str) -> str:
    port = re.search(r"port[=\W]+(\d+)", stderr_line)
    assert port is not None, stderr_line
    with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/metrics", timeout=30) as answer:
        return answer.read().decode()


def test_no_text_of_a_message_is_logged_or_measured(one_broker: Brokers, store: str, names: Names) -> None:
    stream = Stream(one_broker, store, names, program=FAILING_WORKER)
    try:
        process = stream.start(logs__level="debug", logs__format="json")
        assert process.stderr is not None
        started = next(line for line in process.stderr if "worker started" in line)
        stream.wait_for_topics()
        good = [json.dumps({"text": f"{TEXT} number {n}", TEXT: TEXT}).encode() for n in range(20)]
        stream.send([*good, *POISON])
        results, letters = stream.until_answered(20 + len(POISON), learned=False)
        measured = metrics(started)
        code, errors = stream.stop(process)
    finally:
        stream.close()

    assert (0, 20, len(POISON)) == (code, len(results), len(letters))
    assert TEXT not in measured
    assert TEXT not in started + errors


def test_no_text_is_logged_when_the_model_fails_on_everything(one_broker: Brokers, store: str, names: Names) -> None:
    stream = Stream(one_broker, store, names, program=FAILING_WORKER, environment={"FAIL_ON": "."})
    try:
        process = stream.start(logs__level="debug", delivery__max_batch_records=1)
        stream.wait_for_topics()
        stream.send([json.dumps({"text": f"{TEXT} number {n}"}).encode() for n in range(8)])
        assert process.stderr is not None
        dropped = (line for line in process.stderr if "batch dropped" in line)
        said = [next(dropped), next(dropped)]
        said.append(stream.stop(process)[1])
    finally:
        stream.close()

    assert "ValueError" in said[0]
    assert TEXT not in "".join(said)


def test_secrets_stay_out_of_every_sink_while_all_is_well(one_broker: Brokers, names: Names, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    key = authority.issue("worker").encrypted(SECRET)
    acl = f"user {names.space} on >{PASSWORD} ~* -@all +@all"
    environment = {"TEXTSIEVE_REDIS__PASSWORD": PASSWORD, "TEXTSIEVE_REDIS__SSL_PASSWORD": SECRET}
    with tls_store(tmp_path, authority, acl=acl) as server:
        stream = Stream(one_broker, f"rediss://{server.address}/0", names, environment=environment)
        try:
            process = stream.start(
                logs__level="debug",
                redis__username=names.space,
                redis__ssl_cafile=authority.cafile,
                redis__ssl_certfile=key.certfile,
                redis__ssl_keyfile=key.keyfile,
            )
            assert process.stderr is not None
            started = next(line for line in process.stderr if "worker started" in line)
            stream.wait_for_topics()
            stream.send([b'{"text": "fine"}', b"\xff"])
            results, letters = stream.until_answered(2, learned=False)
            sinks = [metrics(started), started, *(repr(message) for message in (*results, *letters))]
            sinks.append(stream.stop(process)[1])
        finally:
            stream.close()

    assert (1, 1) == (len(results), len(letters))
    assert [] == [sink for sink in sinks if PASSWORD in sink or SECRET in sink]


@pytest.mark.parametrize(
    "options",
    [
        {"kafka__security_protocol": "SASL_PLAINTEXT", "kafka__sasl_mechanism": "PLAIN", "kafka__sasl_username": "w"},
        {"kafka__security_protocol": "PLAINTEXT"},
        {"kafka__security_protocol": "SASL_SSL", "kafka__sasl_mechanism": "PLAIN", "kafka__nothing": "x"},
    ],
)
def test_secrets_stay_out_of_what_a_refused_worker_says(
    one_broker: Brokers, store: str, names: Names, options: dict[str, str]
) -> None:
    environment = {"TEXTSIEVE_KAFKA__SASL_PASSWORD": SECRET, "TEXTSIEVE_REDIS__PASSWORD": SECRET}
    with silent_server() as (port, _):
        stream = Stream(one_broker, store, names, environment=environment)
        options = {"kafka__bootstrap_servers": f"127.0.0.1:{port}", **options}
        process = stream.start(logs__level="debug", **options)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            stream.close()

    assert process.returncode in (1, 2)
    assert "kafka" in errors
    assert SECRET not in errors
