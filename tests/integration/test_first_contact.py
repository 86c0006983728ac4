"""What a person types first: a text to be labelled, results to be looked at, against a real broker and store."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.integration.streams import Stream, texts
from textsieve.cli.labelling import labeller
from textsieve.worker.loading import load_settings
from textsieve.worker.testing import HashingPredictor

QUICK = ("model.engine=torch", "model.precision=fp32", "model.max_batch_tokens=512")  # nothing is tried out
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def stream(one_broker, store, names) -> Iterator[Stream]:
    made = Stream(one_broker, store, names)
    yield made
    made.close()


@pytest.fixture
def answered(stream: Stream) -> Stream:
    """Sixty messages are answered, and the clusters exist."""
    stream.start()
    stream.wait_for_topics()
    stream.send(texts(60))
    stream.until_answered(60)
    return stream


def textsieve(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "textsieve", *words]
    return subprocess.run(
        command, env=ENVIRONMENT, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


def lines(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def test_tail_shows_the_results_that_are_there_as_they_stand_in_the_topic(answered: Stream) -> None:
    done = textsieve("tail", "--no-follow", *answered.flags())

    assert 0 == done.returncode, done.stderr
    assert sorted(m.value.decode() for m in answered.read(answered.names.labels)) == sorted(done.stdout.splitlines())


def test_tail_filters_by_label_and_by_cluster(answered: Stream) -> None:
    every = lines(textsieve("tail", "--no-follow", *answered.flags()).stdout)
    answered.send(texts(20, start=60))
    answered.until_answered(80)

    spam = lines(textsieve("tail", "--no-follow", "--label", "spam", *answered.flags()).stdout)
    second = lines(textsieve("tail", "--no-follow", "--cluster", "1", *answered.flags()).stdout)

    assert 60 == len(every)
    assert {"spam"} == {line["label"] for line in spam}
    assert {1} == {line["cluster"]["id"] for line in second}


def test_tail_waits_for_results_to_come(answered: Stream) -> None:
    command = [sys.executable, "-m", "textsieve", "tail", "--from-beginning", "--limit", "65", *answered.flags()]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        seen = [json.loads(tail.stdout.readline()) for _ in range(60)]
        answered.send(texts(5, start=60))
        seen += lines(tail.communicate(timeout=60)[0])

    assert {f"d{i}" for i in range(65)} == {result["document_id"] for result in seen}
    assert 0 == tail.returncode


def test_an_interrupted_tail_ends_with_the_code_that_shells_know(answered: Stream) -> None:
    command = [sys.executable, "-m", "textsieve", "tail", "--from-beginning", *answered.flags()]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, errors = tail.communicate(timeout=60)

    assert (130, "") == (tail.returncode, errors)


def test_tail_waits_for_a_topic_that_no_worker_has_made_yet(stream: Stream) -> None:
    command = [sys.executable, "-m", "textsieve", "tail", "--limit", "20", *stream.flags()]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stderr is not None
        told = tail.stderr.readline()
        stream.send(texts(20))
        stream.start()
        seen = lines(tail.communicate(timeout=120)[0])

    assert f"waiting for topic {stream.names.labels}" in told
    assert {f"d{i}" for i in range(20)} == {result["document_id"] for result in seen}


def test_without_waiting_a_topic_that_is_not_there_is_an_error(stream: Stream) -> None:
    done = textsieve("tail", "--no-follow", *stream.flags())

    assert 2 == done.returncode
    assert "kafka.output_topic" in done.stderr


def test_a_text_gets_the_cluster_that_a_worker_would_give_it(answered: Stream) -> None:
    predictor = HashingPredictor()
    label = labeller(load_settings(overrides=answered.settings()), warn=pytest.fail, predictor=predictor)
    wanted = [f"topic{i % 4} word{i} of a text that nobody sent" for i in range(20)]

    answers = label([json.dumps({"text": text}).encode() for text in wanted])

    centers = answered.centroids().centers
    distances = np.linalg.norm(predictor.predict(wanted).embeddings[:, None] - centers[None], axis=2)  # [texts, k]
    assert distances.argmin(axis=1).tolist() == [answer["cluster"]["id"] for answer in answers]


@pytest.mark.parametrize("space", ["nobody-has-been-here", None])
def test_a_text_is_labelled_without_clusters_where_there_are_none(stream: Stream, space: str | None) -> None:
    warnings: list[str] = []
    url = {} if space else {"redis__url": "redis://127.0.0.1:1/0"}
    settings = load_settings(overrides=stream.settings(clusters__space=space or "default", **url))

    (answer,) = labeller(settings, warn=warnings.append, predictor=HashingPredictor())([b'{"text": "hello"}'])

    assert answer["cluster"] is None
    assert ["no clusters"] == [warning.partition(":")[0] for warning in warnings]


def test_clusters_of_another_model_are_not_mixed_with_this_one(answered: Stream) -> None:
    warnings: list[str] = []
    settings = load_settings(overrides=answered.settings())

    (answer,) = labeller(settings, warn=warnings.append, predictor=HashingPredictor(dim=8))([b'{"text": "hello"}'])

    assert answer["cluster"] is None
    assert ["learned with another model" in warning for warning in warnings] == [True]


def test_a_short_topic_gets_its_clusters_soon_after_its_last_message(stream: Stream) -> None:
    many = {"k": 150, "seed_messages": 1500, "seed_after_seconds": 600, "seed_idle_seconds": 1}
    stream.start(**{f"clusters__{name}": value for name, value in many.items()})
    stream.wait_for_topics()
    stream.send(texts(110))
    stream.until_answered(110)  # and learned: the space is seeded, though with fewer texts than clusters

    stream.send(texts(10, start=110))
    results, _ = stream.until_answered(120)

    clusters = {result["document_id"]: result["cluster"] for result in (json.loads(m.value) for m in results)}
    assert {None} == {clusters[f"d{i}"] for i in range(110)}  # what is published stays as it is
    assert all(clusters[f"d{i}"] is not None for i in range(110, 120))


def test_texts_files_and_standard_input_are_labelled_by_the_built_in_model(tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("id,body\n7,see you at six\n8,\n9,URGENT! You have won a prize. Call 09061701461 now\n", "utf-8")
    chosen = [word for setting in QUICK for word in ("--set", setting)]

    done = textsieve("classify", str(table), "-", "how are you", "--text-column", "body", *chosen, stdin="good night\n")

    assert 1 == done.returncode, done.stderr  # one row has no text
    assert "texts.csv:3" in done.stderr
    answers = lines(done.stdout)
    assert ["7", "9", None, None] == [answer["document_id"] for answer in answers]
    assert ["ham", "spam", "ham", "ham"] == [answer["label"] for answer in answers]
    assert [f"{table}:2", f"{table}:4", "<stdin>:1", None] == [answer.get("origin") for answer in answers]


@pytest.mark.skipif(sys.platform != "linux", reason="documented: reads a pseudo-terminal to its end as Linux ends it")
def test_on_a_terminal_there_is_a_table_that_no_text_can_command() -> None:
    ours, theirs = os.openpty()
    chosen = [word for setting in QUICK for word in ("--set", setting)]
    command = [sys.executable, "-m", "textsieve", "classify", "see you at six", "clear \x1b[2J this", *chosen]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)

    assert 0 == process.returncode
    heading, first, second = shown.decode().splitlines()
    assert ["label" in heading, "ham" in first, "see you at six" in first] == [True] * 3
    assert "clear \\x1b[2J this" in second


@pytest.mark.skipif(sys.platform != "linux", reason="documented: reads a pseudo-terminal to its end as Linux ends it")
def test_on_a_terminal_up_says_what_to_do_with_its_settings() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "textsieve", "up"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=theirs, stdout=theirs, stderr=theirs) as server:
        os.close(theirs)
        shown = b""
        while b"Paste these lines" not in shown and (piece := os.read(ours, 4096)):
            shown += piece
        server.send_signal(signal.SIGINT)
    os.close(ours)

    assert b"export TEXTSIEVE_REDIS__URL=" in shown
    assert server.returncode in {0, 130}  # the signal may come before anybody waits for it


def test_a_file_that_is_not_there_is_not_taken_for_a_text() -> None:
    done = textsieve("classify", "nowhere.csv")

    assert (2, "error: nowhere.csv: expected a file, found nothing\n") == (done.returncode, done.stderr)
