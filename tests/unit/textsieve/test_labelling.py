"""Texts are labelled as a worker would, each answer in the place of its text."""

import pytest

from textsieve.cli.labelling import labeller
from textsieve.worker.settings import Settings
from textsieve.worker.testing import HashingPredictor

VALUES = [b'{"text": "hello you", "channel": "web"}', b'{"text": " "}', b'{"text": "fr33 m0ney"}']


@pytest.fixture
def answers() -> list[dict]:
    return labeller(Settings(), warn=pytest.fail, predictor=HashingPredictor())(VALUES)


def test_an_answer_is_a_result_without_what_belongs_to_a_stream(answers):
    first = answers[0]

    assert ("hello you", {"channel": "web"}, None) == (first["text"], first["attributes"], first["cluster"])
    assert first["score"] == first["scores"][first["label"]]
    assert {"id", "source", "processed_ms"}.isdisjoint(first)


def test_a_bad_text_is_answered_in_its_place(answers):
    assert [False, True, False] == ["error" in answer for answer in answers]
    assert "empty_text" == answers[1]["error"]
