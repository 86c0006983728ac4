import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textsieve.embedded.errors import BinaryMissing, WrongJars
from textsieve.embedded.kafka.jars import DEFAULT_VERSION, PINS, cache_folder, classpath, versions

VERSION = "9.9.9"
CONTENT = {"a.jar": b"first", "b.jar": b"second"}
PATIENCE_SECONDS = 60
MAVEN = """#!{python}
import pathlib, sys, time
(to,) = [pathlib.Path(word.partition("=")[2]) for word in sys.argv if word.startswith("-DoutputDirectory=")]
to.mkdir()
with open({calls!r}, "a") as calls:
    calls.write("called\\n")
(to / "a.jar").write_bytes(b"first")
time.sleep({pause})
(to / "b.jar").write_bytes({second!r})
"""


@pytest.fixture
def pins(tmp_path):
    folder = tmp_path / "pins"
    folder.mkdir()
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in CONTENT.items()]
    (folder / f"{VERSION}.sha256").write_text("".join(lines))
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def have_maven(tmp_path, monkeypatch, *, second=b"second", pause=0.0):
    """A program named mvn that brings the jars, and a file that counts its calls."""
    calls, program = tmp_path / "calls", tmp_path / "bin" / "mvn"
    program.parent.mkdir(exist_ok=True)
    program.write_text(MAVEN.format(python=sys.executable, calls=str(calls), pause=pause, second=second))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return calls


def test_jars_are_fetched_once(tmp_path, monkeypatch, pins, cache):
    calls = have_maven(tmp_path, monkeypatch)

    first, second = (classpath(VERSION, folder=cache, pins=pins) for _ in range(2))

    assert f"{cache}/{VERSION}/a.jar:{cache}/{VERSION}/b.jar" == first == second
    assert "called\n" == calls.read_text()


def test_jars_that_are_there_need_no_maven(tmp_path, monkeypatch, pins, cache):
    have_maven(tmp_path, monkeypatch)
    classpath(VERSION, folder=cache, pins=pins)
    monkeypatch.setenv("PATH", "")

    assert classpath(VERSION, folder=cache, pins=pins)


def test_without_maven_the_error_says_what_to_install(monkeypatch, pins, cache):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(BinaryMissing, match=r"apt install .*maven"):
        classpath(VERSION, folder=cache, pins=pins)


def test_a_maven_that_fails_is_quoted(tmp_path, monkeypatch, pins, cache):
    have_maven(tmp_path, monkeypatch)
    (tmp_path / "bin" / "mvn").write_text("#!/bin/sh\necho could not resolve\nexit 1\n")

    with pytest.raises(BinaryMissing, match="could not resolve"):
        classpath(VERSION, folder=cache, pins=pins)


def test_a_version_without_pins_is_refused(pins, cache):
    with pytest.raises(WrongJars, match=r"9\.9\.9.*got 1\.0\.0"):
        classpath("1.0.0", folder=cache, pins=pins)


def test_fetched_jars_that_differ_are_refused_and_not_kept(tmp_path, monkeypatch, pins, cache):
    have_maven(tmp_path, monkeypatch, second=b"another")

    with pytest.raises(WrongJars, match=r"b\.jar"):
        classpath(VERSION, folder=cache, pins=pins)

    assert [".lock"] == [path.name for path in cache.iterdir()]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("a.jar", b"changed", "got"), ("c.jar", b"added", "does not belong"), ("b.jar", None, "is not there")],
)
def test_a_cache_that_was_touched_is_refused(tmp_path, monkeypatch, pins, cache, *, name, content, message):
    have_maven(tmp_path, monkeypatch)
    classpath(VERSION, folder=cache, pins=pins)
    jar = cache / VERSION / name
    jar.unlink(missing_ok=True)
    if content is not None:
        jar.write_bytes(content)

    with pytest.raises(WrongJars, match=rf"{name}.*{message}"):
        classpath(VERSION, folder=cache, pins=pins)


def test_two_processes_at_once_fetch_once(tmp_path, monkeypatch, pins, cache):
    calls = have_maven(tmp_path, monkeypatch, pause=0.3)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        runs = [pool.apply_async(classpath, (VERSION,), {"folder": cache, "pins": pins}) for _ in range(2)]
        found = [run.get(PATIENCE_SECONDS) for run in runs]

    assert 1 == len(set(found))
    assert "called\n" == calls.read_text()


def test_a_fetch_that_was_killed_leaves_nothing_that_hurts(tmp_path, monkeypatch, pins, cache):
    have_maven(tmp_path, monkeypatch, pause=600.0)
    code = "import pathlib, sys; from textsieve.embedded.kafka.jars import classpath\n"
    code += "classpath(sys.argv[1], folder=pathlib.Path(sys.argv[2]), pins=pathlib.Path(sys.argv[3]))"
    repository = str(Path(__file__).parents[4])
    killed = subprocess.Popen(
        [sys.executable, "-c", code, VERSION, cache, pins],
        env={**os.environ, "PYTHONPATH": repository},
        start_new_session=True,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(cache.glob("partial-*/*/a.jar")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(PATIENCE_SECONDS)

    have_maven(tmp_path, monkeypatch)
    classpath(VERSION, folder=cache, pins=pins)

    assert {".lock", VERSION} == {path.name for path in cache.iterdir()}


def test_the_cache_can_be_named_and_else_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TEXTSIEVE_KAFKA_JARS", raising=False)
    users = cache_folder()
    monkeypatch.setenv("TEXTSIEVE_KAFKA_JARS", str(tmp_path / "named"))

    assert [tmp_path / "textsieve" / "kafka", tmp_path / "named"] == [users, cache_folder()]


def test_the_default_version_is_pinned():
    assert DEFAULT_VERSION in versions()


@pytest.mark.parametrize("version", versions())
def test_every_pin_is_a_sha256_of_a_jar_and_the_broker_is_among_them(version):
    lines = [line.split("  ") for line in (PINS / f"{version}.sha256").read_text().splitlines()]

    assert all(len(checksum) == 64 and name.endswith(".jar") for checksum, name in lines)
    assert {f"kafka_2.13-{version}.jar", f"kafka-tools-{version}.jar"} <= {name for _, name in lines}
