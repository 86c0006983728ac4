"""The check of delivery as its page shows it, on a stream that keeps the promise and on one that does not."""

import re
import subprocess
import sys
import time
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

from tests.integration.streams import Stream, texts

SENT = 64  # messages in all
PAGE = Path(__file__).parents[2] / "docs" / "delivery.md"


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
