"""The cache of artifacts gives back what was put there whole, or nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from textsieve.worker.inference import artifact_cache
from textsieve.worker.inference.artifact_cache import MAX_FILES, ArtifactCache


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "not" / "yet" / "there"


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_what_was_put_is_got_by_another_process(folder):
    ArtifactCache(folder).put("key", b"content")

    assert b"content" == ArtifactCache(folder).get("key")
    assert ArtifactCache(folder).get("other") is None


def test_a_new_content_replaces_the_old_one(folder):
    artifacts = ArtifactCache(folder)

    artifacts.put("key", b"old")
    artifacts.put("key", b"new")

    assert b"new" == artifacts.get("key")
    assert 1 == len(files(folder))


@pytest.mark.parametrize("damage", [b"", b"conten", b"Content", b"content and more"])
def test_a_damaged_file_is_removed(folder, damage):
    artifacts = ArtifactCache(folder)
    artifacts.put("key", b"content")
    (path,) = folder.iterdir()
    path.write_bytes(damage)

    with capture_logs() as lines:
        found = artifacts.get("key")

    assert found is None
    assert [] == files(folder)
    assert ["warning"] == [line["log_level"] for line in lines]


def test_the_oldest_files_are_removed(folder):
    artifacts = ArtifactCache(folder)

    for number in range(MAX_FILES + 3):
        artifacts.put(f"key{number}", b"content")

    assert MAX_FILES == len(files(folder))
    assert b"content" == artifacts.get(f"key{MAX_FILES + 2}")


@pytest.mark.parametrize("place", ["a file", "nowhere"])
def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, place):
    file = tmp_path / "file"
    file.touch()
    artifacts = ArtifactCache({"a file": file / "folder", "nowhere": None}[place])

    with capture_logs() as lines:
        for key in ("one", "two"):
            with artifacts.lock(key):
                artifacts.put(key, b"content")

    assert artifacts.get("one") is None
    assert ["warning"] == [line["log_level"] for line in lines]
    assert "model.cache_directory" in lines[0]["event"]


def test_what_lies_in_a_read_only_folder_is_found(folder, monkeypatch):
    ArtifactCache(folder).put("key", b"content")

    def refuse(_):
        raise PermissionError

    monkeypatch.setattr(artifact_cache.os, "utime", refuse)

    assert b"content" == ArtifactCache(folder).get("key")


def test_writers_of_one_key_leave_one_whole_file(folder):
    def write(number):
        with ArtifactCache(folder).lock("key"):  # as workers do; readers need no lock
            ArtifactCache(folder).put("key", bytes([number]) * 100_000)
        return ArtifactCache(folder).get("key")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(write, range(8)))

    assert all(content is None or len(set(content)) == 1 for content in found)
    assert len(set(ArtifactCache(folder).get("key"))) == 1


def test_work_on_one_key_is_done_by_one_at_a_time(folder):
    inside, most = 0, 0
    counting = threading.Lock()

    def work(_):
        nonlocal inside, most
        with ArtifactCache(folder).lock("key"):
            with counting:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.01)
            with counting:
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))

    assert 1 == most


def test_who_waited_long_enough_works_beside_the_other(folder, monkeypatch):
    monkeypatch.setattr(artifact_cache, "LOCK_TIMEOUT_SECONDS", 0.0)

    with ArtifactCache(folder).lock("key"), ArtifactCache(folder).lock("key"):
        ArtifactCache(folder).put("key", b"content")

    assert b"content" == ArtifactCache(folder).get("key")


def test_an_error_of_the_work_passes(folder):
    with pytest.raises(FileNotFoundError), ArtifactCache(folder).lock("key"):
        raise FileNotFoundError
