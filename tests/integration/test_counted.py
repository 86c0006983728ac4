"""What a stage counts is in a real store once for every result, though a worker process is killed on the way."""

import json
import time
from pathlib import Path

from tests.counting_stage import WORDS, words_of
from tests.integration.streams import DEADLINE_SECONDS, Stream, texts
from textsieve.worker.connectors.redis import RedisCounterStore

WORKER = Path(__file__).with_name("counting_worker.py")
MESSAGES = 300


def counted(stream: Stream) -> dict[str, int]:
    return dict(RedisCounterStore(stream.redis, stream.names.space).read(WORDS.name))


def until_counted(stream: Stream, words: int) -> dict[str, int]:
    """Wait until the counts come to so many words, or to more."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while sum(found := counted(stream).values()) < words:
        assert time.monotonic() < deadline, (sum(found), words)
        time.sleep(0.05)
    return counted(stream)


def test_a_worker_that_is_killed_while_it_counts_is_succeeded_exactly(stream: Stream) -> None:
    stream.program = WORKER
    killed = stream.start(delivery__max_batch_records=20)
    stream.wait_for_topics()
    stream.send(texts(MESSAGES))
    until_counted(stream, 1)

    killed.kill()
    killed.wait()
    stream.start()
    results, _ = stream.until_answered(MESSAGES)
    expected = words_of(json.loads(result.value)["text"] for result in results)
    found = until_counted(stream, sum(expected.values()))

    assert MESSAGES == len(results)
    assert expected == found
