"""What a worker says, and how a library is kept from shouting."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
import structlog

from textsieve.worker import logs

LIBRARIES = ("kafka", "redis", "transformers")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is global: give it back as it was."""
    loggers = [logging.getLogger(name) for name in (None, "textsieve", *LIBRARIES)]
    before = [(list(log.handlers), log.level, log.propagate) for log in loggers]
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.raiseExceptions = True
    for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def lines(capsys) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_level_name_and_time(capsys):
    logs.configure(level="info", style="json")

    logs.get_logger("worker").info("worker started", port=9100)

    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert {"event": "worker started", "port": 9100, "level": "info", "logger": "textsieve.worker"} == line


def test_what_was_bound_is_in_every_line(capsys):
    logs.configure(level="info", style="json")
    structlog.contextvars.bind_contextvars(worker="w-1")

    logs.get_logger("worker").info("one")
    logging.getLogger("kafka.conn").error("two")

    assert ["w-1", "w-1"] == [line["worker"] for line in lines(capsys)]


def test_a_line_over_several_lines_is_still_one(capsys):
    logs.configure(level="info", style="json")

    logs.get_logger("worker").error("stuck", stacks="File a\nFile b")

    assert ["File a\nFile b"] == [line["stacks"] for line in lines(capsys)]


def test_an_exception_stands_in_its_line(capsys):
    logs.configure(level="info", style="json")

    try:
        int("a word")
    except ValueError:
        logs.get_logger("worker").exception("failed")

    (line,) = lines(capsys)
    assert "ValueError: invalid literal" in line["exception"]


@pytest.mark.parametrize(("level", "expected"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_below_the_level_are_left_out(capsys, level, expected):
    logs.configure(level=level, style="json")
    log = logs.get_logger("worker")

    for say in (log.debug, log.info, log.warning, log.error):
        say("something")

    assert expected == len(lines(capsys))


@pytest.mark.parametrize("module", ["tuning.selection", "artifact_cache", "prediction.transformer", "tuning.autotune"])
def test_what_the_model_says_is_our_own_and_heard_at_info(module, capsys):
    logs.configure(level="info", style="json")

    import_module(f"textsieve.worker.inference.{module}").log.info("engine chosen")

    assert ["textsieve.model"] == [line["logger"] for line in lines(capsys)]


def test_people_get_plain_text(capsys):
    logs.configure(level="info", style="console")

    logs.get_logger("worker").info("worker started", port=9100)

    said = capsys.readouterr().err
    assert "worker started" in said
    assert "port=9100" in said
    assert not said.startswith("{")


@pytest.mark.parametrize(("terminal", "is_json"), [(True, False), (False, True)])
def test_lines_are_for_people_on_a_terminal_and_json_elsewhere(capsys, monkeypatch, terminal, is_json):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    logs.configure(level="info", style="auto")

    logs.get_logger("worker").info("worker started", port=9100)

    assert is_json == capsys.readouterr().err.startswith("{")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_repeats_itself_is_heard_once(capsys, library):
    logs.configure(level="info", style="json")

    for attempt in range(70):
        logging.getLogger(f"{library}.client").error("connection %d refused", attempt)

    assert ["connection 0 refused"] == [line["event"] for line in lines(capsys)]


def test_other_words_of_a_library_are_heard_too(capsys):
    logs.configure(level="info", style="json")

    logging.getLogger("kafka.conn").error("one")
    logging.getLogger("kafka.conn").error("two")

    assert ["one", "two"] == [line["event"] for line in lines(capsys)]


def test_a_library_is_heard_again_after_a_while(capsys, monkeypatch):
    monkeypatch.setattr(logs, "QUIET_SECONDS", 0.0)
    logs.configure(level="info", style="json")

    for _ in range(2):
        logging.getLogger("kafka.conn").error("refused")

    assert 2 == len(lines(capsys))


@pytest.mark.parametrize("library", LIBRARIES)
def test_warnings_of_a_library_are_not_heard(capsys, library):
    logs.configure(level="debug", style="json")

    logging.getLogger(library).warning("something")

    assert [] == lines(capsys)


def test_our_own_lines_may_repeat_themselves(capsys):
    logs.configure(level="info", style="json")

    for _ in range(3):
        logs.get_logger("worker").warning("store away")

    assert 3 == len(lines(capsys))


def test_configuring_twice_does_not_say_everything_twice(capsys):
    logs.configure(level="info", style="json")
    logs.configure(level="info", style="json")

    logs.get_logger("worker").info("one")
    logging.getLogger("redis").error("two")

    assert ["one", "two"] == [line["event"] for line in lines(capsys)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_under_the_log_does_not_stop_the_stream(monkeypatch, capsys):
    full = open("/dev/full", "w")  # noqa: SIM115, PTH123  # closing it raises
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", full)
        logs.configure(level="info", style="json")
    log = logs.get_logger("worker")

    log.error("lost")
    logging.getLogger("kafka").error("lost")

    assert "" == capsys.readouterr().err  # no traceback of the failed writes either
    with suppress(OSError):
        full.close()
