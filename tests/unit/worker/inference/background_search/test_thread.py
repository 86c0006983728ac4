"""While a safe engine serves, the fastest one is found elsewhere and taken between two batches."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.letters import Letters
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.background_search import process as trying
from textsieve.worker.inference.background_search import thread as module
from textsieve.worker.inference.background_search.process import SEARCHED_BY_ANOTHER, found, search_lock
from textsieve.worker.inference.background_search.thread import (
    LOOK_SECONDS,
    BackgroundSearch,
    SearchedByAnother,
    background_search,
    search_in_process,
)
from textsieve.worker.inference.engines.engine import Answers
from textsieve.worker.inference.engines.report import DEFAULT_BATCH_TOKENS, EngineReport
from textsieve.worker.inference.loading import open_model
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.selection import EngineSearch, OpenedModel
from textsieve.worker.settings import ModelSettings

CARD = ModelCard("m", "1", ("ham", "spam"), 2, 99, "f", engine="onnx fp32")
SAFE = EngineReport("onnx", "fp32", "safe", DEFAULT_BATCH_TOKENS, 1)
FAST = EngineReport("onnx", "int8", "the fastest", 256, 1, settled=True)


class Saying:
    """An engine that is sure of one label."""

    def __init__(self, spam):
        self.spam = spam

    def embed_and_classify(self, batch):
        rows = len(batch.input_ids)
        said = np.tile(np.asarray([1 - self.spam, self.spam], np.float32), (rows, 1))
        return Answers(said, np.tile(np.asarray([1, 0], np.float32), (rows, 1)))


class Asked:
    """A search whose answers come one after the other; makes engines that are sure of spam."""

    def __init__(self, *answers, fault=None, **settings):
        self.answers, self.fault = list(answers), fault
        self.settings = ModelSettings(device="cpu", **settings)
        self.builder = self

    def answer(self):
        return self.answers.pop(0) if self.answers else None

    def engine(self, _):
        if self.fault:
            raise self.fault.pop()
        return Saying(1.0)


class Attempts:
    def __init__(self, *reports):
        self.reports, self.made = list(reports), 0

    def __call__(self, _search, _stop):
        self.made += 1
        report = self.reports.pop(0)
        if isinstance(report, Exception):
            raise report
        return report


class Pauses(threading.Event):
    """Notes how long each pause was to be, and makes none."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        return self.is_set()


class KeptThenKilled:
    """Keeps a report, and ends the search as one that is out of memory."""

    def __init__(self, keep):
        self.keep = keep

    def __get__(self, search, _):
        def keep(report):
            self.keep(search, report)
            raise MemoryError

        return keep


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, tmp_path):
    """No pauses, and a lock of our own."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(trying.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of the processes that are started, too


@pytest.fixture
def predictor():
    return TransformerPredictor(
        CARD, tokenizer=Letters(), engine=Saying(0.0), max_batch_tokens=DEFAULT_BATCH_TOKENS, report=SAFE
    )


def run(search, predictor, attempts):
    told = []
    BackgroundSearch(search, predictor, told.append, attempts).run()
    return told


def label(predictor):
    return CARD.labels[predictor.predict(["text"]).probabilities[0].argmax()]


def test_what_an_attempt_finds_answers_from_the_next_batch_on(predictor):
    before = label(predictor)
    told = run(Asked(), predictor, Attempts(FAST))

    assert ["ham", "spam"] == [before, label(predictor)]
    assert [FAST] == told
    assert ("onnx int8", 256) == (predictor.card.engine, predictor.max_batch_tokens)
    assert FAST == predictor.report


def test_what_another_process_has_found_is_taken_without_an_attempt(predictor):
    attempts = Attempts()

    assert [FAST] == run(Asked(FAST), predictor, attempts)
    assert 0 == attempts.made


def test_attempts_that_come_to_nothing_are_repeated(predictor):
    attempts = Attempts(None, None, FAST)

    assert [FAST] == run(Asked(), predictor, attempts)
    assert 3 == attempts.made


def test_while_another_process_tries_only_its_answer_is_waited_for(predictor):
    attempts = Attempts()

    with search_lock() as alone:
        told = run(Asked(None, None, FAST), predictor, attempts)

    assert alone
    assert ([FAST], 0) == (told, attempts.made)


def test_an_attempt_that_meets_another_search_is_no_failure(predictor, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", LOOK_SECONDS)
    attempts, pauses = Attempts(None, SearchedByAnother(), SearchedByAnother(), None, FAST), Pauses()

    BackgroundSearch(Asked(), predictor, print, attempts, pauses).run()

    assert [0.0, 10.0, 5.0, 5.0, 20.0] == pauses.seconds


@pytest.mark.alone  # the process takes only what nobody else wants of the processor
def test_a_process_that_finds_another_searching_says_so(bundle_folder, settings_for, monkeypatch, tmp_path):
    opened = open_model(settings_for(bundle_folder, engine="onnx", precision="fp32", max_batch_tokens=None))
    busy = tmp_path / "python"
    busy.write_text(f"#!/bin/sh\ncat >/dev/null\nexit {SEARCHED_BY_ANOTHER}\n", encoding="ascii")
    busy.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(busy))

    with pytest.raises(SearchedByAnother):
        search_in_process(opened.search, threading.Event())


def test_an_engine_that_is_found_to_be_the_present_one_goes_on_with_its_budget(predictor):
    confirmed = replace(SAFE, max_batch_tokens=1024, settled=True)

    with capture_logs() as lines:
        run(Asked(confirmed), predictor, Attempts())

    assert "ham" == label(predictor)
    assert 1024 == predictor.max_batch_tokens
    assert ["engine confirmed"] == [line["event"] for line in lines]


def test_a_budget_that_is_set_stays(predictor):
    run(Asked(FAST, max_batch_tokens=77), predictor, Attempts())
    label(predictor)

    assert 77 == predictor.max_batch_tokens


def test_a_budget_that_a_full_device_lowered_is_not_raised_again(predictor):
    predictor.max_batch_tokens = 100
    run(Asked(FAST), predictor, Attempts())
    label(predictor)

    assert 100 == predictor.max_batch_tokens


def test_an_engine_that_cannot_be_made_leaves_the_present_one_and_is_tried_again(predictor):
    with capture_logs() as lines:
        told = run(Asked(FAST, FAST, fault=[PredictorError("no such operator")]), predictor, Attempts())

    assert ["warning", "info"] == [line["log_level"] for line in lines]
    assert [FAST] == told


def test_a_stop_ends_the_search(predictor):
    stop = threading.Event()
    stop.set()
    attempts = Attempts()

    BackgroundSearch(Asked(), predictor, print, attempts, stop).run()

    assert 0 == attempts.made


def test_where_nothing_is_asked_nothing_is_looked_for(predictor):
    threads = threading.active_count()

    with background_search(OpenedModel(predictor), changed=print):
        assert threads == threading.active_count()


def test_one_process_at_a_time_tries():
    with search_lock() as first, search_lock() as second:
        pass
    with search_lock() as third:
        pass

    assert (True, False, True) == (first, second, third)


@pytest.mark.alone  # the process takes only what nobody else wants of the processor
def test_a_process_of_its_own_finds_what_all_workers_read(bundle_folder, settings_for, tmp_path):
    kept = tmp_path / "kept"
    only = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "threads": 1, "cache_directory": kept}
    opened = open_model(settings_for(bundle_folder, **only))

    report = search_in_process(opened.search, threading.Event())

    assert report.settled
    assert msgspec.json.decode(ArtifactCache(kept).get(opened.search.key), type=EngineReport) == report
    assert open_model(settings_for(bundle_folder, **only)).search is None


def test_an_attempt_ends_when_the_worker_stops(bundle_folder, settings_for, tmp_path):
    free = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "cache_directory": tmp_path / "kept"}
    opened = open_model(settings_for(bundle_folder, **free))
    stop = threading.Event()
    stop.set()

    assert search_in_process(opened.search, stop) is None


def test_trials_end_with_the_worker_that_asked_for_them(bundle_folder, settings_for, tmp_path):
    free = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "cache_directory": tmp_path / "kept"}
    search = open_model(settings_for(bundle_folder, **free)).search

    assert found(search, parent=os.getppid() + 1) is None
    assert search.answer() is None


def test_the_best_so_far_is_there_for_the_next_start_whatever_ends_the_search(
    bundle_folder, settings_for, tmp_path, monkeypatch
):
    free = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "cache_directory": tmp_path / "kept"}
    search = open_model(settings_for(bundle_folder, **free)).search
    monkeypatch.setattr(EngineSearch, "keep", KeptThenKilled(EngineSearch.keep))

    with pytest.raises(MemoryError):
        found(search, parent=os.getppid())

    kept = search.answer()
    assert ("onnx", "fp32", False) == (kept.engine, kept.precision, kept.settled)


def test_a_search_whose_worker_ended_while_it_started_ends_at_once(bundle_folder, settings_for, tmp_path):
    kept = tmp_path / "kept"
    free = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "cache_directory": kept}
    settings = settings_for(bundle_folder, **free)
    command = [
        sys.executable,
        "-m",
        "textsieve.worker.inference.background_search.process",
        str(os.getppid()),
        open_model(settings).search.key,
    ]
    before = set(kept.iterdir())

    done = subprocess.run(command, input=settings.model_dump_json(), capture_output=True, text=True, check=False)

    assert (1, "", "") == (done.returncode, done.stdout, done.stderr)
    assert before == set(kept.iterdir())


@pytest.mark.alone  # the process takes only what nobody else wants of the processor
def test_nothing_is_found_for_a_model_that_was_replaced_since_the_worker_read_it(
    classifier_folder, settings_for, edit_json, tmp_path
):
    free = {"engine": "onnx", "precision": "fp32", "max_batch_tokens": None, "cache_directory": tmp_path / "kept"}
    opened = open_model(settings_for(classifier_folder, **free))
    edit_json(classifier_folder / "config.json", hidden_act="relu")

    with capture_logs() as lines:
        assert search_in_process(opened.search, threading.Event()) is None
    assert "expected the model and the machine of the worker's start" in lines[-1]["why"]


def test_where_no_process_can_be_started_the_search_is_left_for_later(bundle_folder, settings_for, monkeypatch):
    opened = open_model(settings_for(bundle_folder, engine="onnx", precision="fp32", max_batch_tokens=None))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with capture_logs() as lines:
        assert search_in_process(opened.search, threading.Event()) is None
    assert ["engines could not be tried yet"] == [line["event"] for line in lines]


def test_where_nothing_can_be_written_nobody_waits_for_a_turn(monkeypatch):
    def nowhere():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(trying.tempfile, "gettempdir", nowhere)

    with search_lock() as first, search_lock() as second:
        assert (True, True) == (first, second)


def test_it_is_said_when_it_is_anothers_turn(monkeypatch):
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO(ModelSettings(device="cpu").model_dump_json()))
    monkeypatch.setattr(trying, "_give_way", lambda: None)

    with search_lock():
        assert SEARCHED_BY_ANOTHER == trying.main([str(os.getppid()), "choice-0"])
