"""The check of delivery as its page shows it, on a stream that keeps the promise and on one that does not."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from tests.integration.streams import Stream, texts
from tests.services import Brokers
from textsieve.embedded.topics import Names

SENT = 64  # messages in all
PAGE = Path(__file__).parents[2] / "docs" / "delivery.md"


@pytest.fixture
def stream(each_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(
        each_broker, store, names, environment={"TEXTSIEVE_KAFKA__BOOTSTRAP_SERVERS": each_broker.bootstrap_servers}
    )
    yield running
    running.close()


def counted(stream: Stream) -> dict[str, int]:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names = stream.names
    ours = f'messages, answers, group = "{names.messages}", ("{names.labels}", "{names.dead_letters}"), "{names.group}"'
    program, replaced = re.subn(r"^messages, answers, group = .*$", ours, program, flags=re.MULTILINE)
    assert replaced == 1
    done = subprocess.run(
        [sys.executable, "-c", program], env=stream.environment, capture_output=True, text=True, check=True, timeout=120
    )
    return {words: int(number) for words, _, number in (line.rpartition(" ") for line in done.stdout.splitlines())}


def declare_done(stream: Stream) -> None:
    """Commit, as a member that answers nothing, all that stands in the input."""
    with KafkaConsumer(
        stream.names.messages,
        bootstrap_servers=stream.broker,
        group_id=stream.names.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as member:
        deadline = time.monotonic() + 60
        while sum(member.position(partition) for partition in member.assignment()) < SENT:
            assert time.monotonic() < deadline, "the group let nobody in"
            member.poll(timeout_ms=500)
        member.commit()


def test_the_check_on_the_page_sees_what_was_lost_and_what_was_repeated(stream: Stream) -> None:
    worker = stream.start()
    stream.wait_for_topics()
    stream.send([*texts(60), b"no json"])
    stream.until_answered(61)
    stream.stop(worker)
    kept = counted(stream)

    stream.send(texts(3, 60))  # nobody answers them, and somebody says that they are done
    declare_done(stream)
    answer = stream.read(stream.names.labels)[0]
    with KafkaProducer(bootstrap_servers=stream.broker) as producer:
        producer.send(stream.names.labels, answer.value, answer.key, list(answer.headers), partition=0)
    broken = counted(stream)

    assert {"lost": 0, "repeated": 0, "still to come": 0, "results": 60} == kept
    assert {"lost": 3, "repeated": 1, "still to come": 0, "results": 61} == broken
