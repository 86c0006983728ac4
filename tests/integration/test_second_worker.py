"""Two workers on one machine, as they come."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.integration.streams import Stream


@pytest.fixture
def stream(one_broker, store, names) -> Iterator[Stream]:
    made = Stream(one_broker, store, names)
    yield made
    made.close()


def start(stream: Stream) -> subprocess.Popen[str]:
    chosen = [one for one in stream.settings(logs__format="auto") if not one.startswith("http.port=")]
    command = [sys.executable, str(stream.program), *chosen]
    process = subprocess.Popen(command, env=stream.environment, stderr=subprocess.PIPE, text=True)
    stream.processes.append(process)
    return process


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    for line in process.stderr:  # ends with the worker: then there is no port
        said = json.loads(line)
        if said["event"] == "worker started":
            return int(said["port"])
    raise AssertionError(process.wait())


def test_a_second_worker_starts_on_the_next_port_and_says_which(stream: Stream) -> None:
    ports = [port_of(start(stream)), port_of(start(stream))]

    alive = [urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10).read() for port in ports]
    assert [b"alive\n", b"alive\n"] == alive
    assert ports[0] < ports[1] < 9200
