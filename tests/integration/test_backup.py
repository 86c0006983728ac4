"""The commands of docs/operations.md that save the centroids and bring them back, as they stand on the page."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.streams import Stream, sources, texts
from tests.services import Brokers
from textsieve.embedded.topics import Names

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture
def stream(one_broker: Brokers, store: str, names: Names) -> Iterator[Stream]:
    if shutil.which("redis-cli") is None:
        pytest.skip("redis-cli is not installed (Debian: apt install redis-tools)")
    made = Stream(one_broker, store, names)
    yield made
    made.close()


def _run(command: str, stream: Stream, folder: Path) -> None:
    """A command of the page, with the address and the space of this test."""
    address = urlsplit(stream.redis_url)
    command = command.replace("redis-cli ", f"redis-cli -h {address.hostname} -p {address.port} ")
    command = command.replace("{default}", f"{{{stream.names.space}}}")
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, check=True, timeout=60)


def _saved(stream: Stream, folder: Path) -> str:
    """Eighty messages learned and their space backed up; what restores it."""
    dump, restore = re.findall(r"^redis-cli .*centroids.*$", PAGE, re.MULTILINE)
    worker = stream.start()
    stream.wait_for_topics()
    stream.send(texts(80))
    stream.until_answered(80)
    stream.stop(worker)
    _run(dump, stream, folder)
    return restore


def test_a_space_that_was_lost_comes_back_as_it_was_saved_and_learns_on(stream, tmp_path):
    restore = _saved(stream, tmp_path)
    saved = stream.redis.hgetall(stream.key)
    stream.redis.delete(stream.key)

    _run(restore, stream, tmp_path)
    restored = stream.redis.hgetall(stream.key)
    stream.start()
    stream.send(texts(40, start=80))
    results, _ = stream.until_answered(120)

    assert saved == restored
    assert 120 == stream.learned()
    assert {1} == set(sources(results).values())


def test_what_came_after_a_backup_is_learned_again_and_not_published_again(stream, tmp_path):
    restore = _saved(stream, tmp_path)
    worker = stream.start()
    stream.send(texts(40, start=80))
    stream.until_answered(120)
    stream.stop(worker)

    _run(restore, stream, tmp_path)
    before = stream.learned()
    stream.start()
    results, _ = stream.until_answered(120)

    assert (80, 120) == (before, stream.learned())
    assert {1} == set(sources(results).values())
