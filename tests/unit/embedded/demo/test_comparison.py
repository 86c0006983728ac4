import io
import json

from rich.console import Console

from textsieve.embedded.demo.comparison import compare
from textsieve.embedded.demo.model_card import default_model_card
from textsieve.embedded.demo.report import print_comparison
from textsieve.worker.records import Record

CARD = default_model_card()


def result(offset: int, *, truth: object, answer: str, model: str = CARD.name) -> Record:
    value = {
        "label": answer,
        "attributes": {} if truth is None else {"label": truth},
        "model": {"name": model, "version": CARD.version},
        "source": {"timestamp_ms": 0},
        "processed_ms": 0,
    }
    headers = (("textsieve.source", f"messages/0/{offset}".encode()),)
    return Record("labels", 0, offset, None, json.dumps(value).encode(), 0, headers)


def printed(comparison) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_comparison(console, comparison)
    return console.file.getvalue()


def test_figures_of_the_shipped_head_stand_beside_its_cross_validation_with_a_caveat() -> None:
    records = [result(0, truth="ham", answer="ham"), result(1, truth="spam", answer="ham")]

    comparison = compare(records, label_column="label")

    assert 0.5 == comparison.evaluation.accuracy
    assert CARD == comparison.card
    assert "trained on SMS Spam Collection" in printed(comparison)
    assert f"{CARD.metrics['accuracy'].mean:.3f} ±" in printed(comparison)


def test_another_model_is_not_given_the_figures_of_the_shipped_one() -> None:
    comparison = compare([result(0, truth="ham", answer="ham", model="other")], label_column="label")

    assert comparison.card is None
    assert "±" not in printed(comparison)


def test_results_without_a_true_label_are_left_out() -> None:
    records = [result(0, truth="ham", answer="ham"), result(1, truth=None, answer="spam")]

    assert 1 == compare(records, label_column="label").evaluation.messages


def test_labels_that_are_no_strings_are_compared_as_they_read() -> None:
    assert 1.0 == compare([result(0, truth=1, answer="1")], label_column="label").evaluation.accuracy


def test_a_file_with_other_labels_than_the_model_is_said_to_be_incomparable() -> None:
    comparison = compare([result(0, truth="card_lost", answer="ham")], label_column="label")

    assert "nothing to compare" in printed(comparison)


def test_without_labels_there_is_no_comparison() -> None:
    records = [result(0, truth=None, answer="ham")]

    assert compare(records, label_column="label") is compare(records, label_column=None) is None


def test_an_empty_label_is_no_label() -> None:
    comparison = compare(
        [result(0, truth="", answer="ham"), result(1, truth="ham", answer="ham")], label_column="label"
    )

    assert ("ham",) == comparison.evaluation.labels
