"""A whole worker on a real broker, where there is no torch."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.streams import Stream
from tests.services import brokers
from textsieve.embedded.topics import Names

SPAM, HAM = "WINNER!! Claim your free prize, text WIN to 80086 now", "are you home yet? dinner is ready"


@pytest.fixture
def stream(request: pytest.FixtureRequest, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(brokers("embedded", request), store, names, program=Path(__file__).with_name("lean_worker.py"))
    yield running
    running.close()


def test_the_default_model_labels_messages_without_torch(stream: Stream, tmp_path: Path) -> None:
    texts = [SPAM if number % 2 else HAM for number in range(60)]
    worker = stream.start(
        model__device="cpu", model__threads=1, model__cache_messages=0, model__cache_directory=tmp_path
    )
    stream.wait_for_topics()
    stream.send([json.dumps({"id": str(number), "text": text}).encode() for number, text in enumerate(texts)])

    results, letters = stream.until_answered(60)
    code, errors = stream.stop(worker)

    said = {result["document_id"]: result["label"] for result in map(json.loads, (one.value for one in results))}
    assert (0, []) == (code, letters), errors
    assert {str(number): "spam" if number % 2 else "ham" for number in range(60)} == said
