"""The shelf gives back what was put there whole, or nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from textsieve.worker.inference import artifact_cache
from textsieve.worker.inference.artifact_cache import KEEP, Shelf


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "not" / "yet" / "there"


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_what_was_put_is_got_by_another_process(folder):
    Shelf(folder).put("key", b"content")

    assert b"content" == Shelf(folder).get("key")
    assert Shelf(folder).get("other") is None


def test_a_new_content_replaces_the_old_one(folder):
    shelf = Shelf(folder)

    shelf.put("key", b"old")
    shelf.put("key", b"new")

    assert b"new" == shelf.get("key")
    assert 1 == len(files(folder))


@pytest.mark.parametrize("damage", [b"", b"conten", b"Content", b"content and more"])
def test_a_damaged_file_is_removed(folder, damage):
    shelf = Shelf(folder)
    shelf.put("key", b"content")
    (path,) = folder.iterdir()
    path.write_bytes(damage)

    with capture_logs() as lines:
        found = shelf.get("key")

    assert found is None
    assert [] == files(folder)
    assert ["warning"] == [line["log_level"] for line in lines]


def test_the_oldest_files_are_removed(folder):
    shelf = Shelf(folder)

    for number in range(KEEP + 3):
        shelf.put(f"key{number}", b"content")

    assert KEEP == len(files(folder))
    assert b"content" == shelf.get(f"key{KEEP + 2}")


@pytest.mark.parametrize("place", ["a file", "nowhere"])
def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, place):
    file = tmp_path / "file"
    file.touch()
    shelf = Shelf({"a file": file / "folder", "nowhere": None}[place])

    with capture_logs() as lines:
        for key in ("one", "two"):
            with shelf.alone(key):
                shelf.put(key, b"content")

    assert shelf.get("one") is None
    assert ["warning"] == [line["log_level"] for line in lines]
    assert "model.cache_directory" in lines[0]["event"]


def test_what_lies_in_a_read_only_folder_is_found(folder, monkeypatch):
    Shelf(folder).put("key", b"content")

    def refuse(_):
        raise PermissionError

    monkeypatch.setattr(artifact_cache.os, "utime", refuse)

    assert b"content" == Shelf(folder).get("key")


def test_writers_of_one_key_leave_one_whole_file(folder):
    def write(number):
        with Shelf(folder).alone("key"):  # as workers do; readers need no lock
            Shelf(folder).put("key", bytes([number]) * 100_000)
        return Shelf(folder).get("key")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(write, range(8)))

    assert all(content is None or len(set(content)) == 1 for content in found)
    assert len(set(Shelf(folder).get("key"))) == 1


def test_work_on_one_key_is_done_by_one_at_a_time(folder):
    inside, most = 0, 0
    counting = threading.Lock()

    def work(_):
        nonlocal inside, most
        with Shelf(folder).alone("key"):
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
    monkeypatch.setattr(artifact_cache, "PATIENCE_SECONDS", 0.0)

    with Shelf(folder).alone("key"), Shelf(folder).alone("key"):
        Shelf(folder).put("key", b"content")

    assert b"content" == Shelf(folder).get("key")


def test_an_error_of_the_work_passes(folder):
    with pytest.raises(FileNotFoundError), Shelf(folder).alone("key"):
        raise FileNotFoundError
