"""What is published holds nothing that is personal; what the model reads does."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.answers import KnownModel, answer, third
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.pipeline import build_pipeline, redactor_of
from textsieve.worker.records import Predictions, Record
from textsieve.worker.settings import DeadLetterSettings, OutputSettings, RedactSettings, Settings
from textsieve.worker.testing import header

TEXT = "ask jo@example.org or 07911 123456"


@dataclass(frozen=True)
class Listening(KnownModel):
    """Keeps what it was given to read."""

    heard: list[str] = field(default_factory=list)

    def predict(self, texts: Any) -> Predictions:
        self.heard.extend(texts)
        return KnownModel.predict(self, texts)


def published(message: object, *, model: KnownModel | None = None, redact: RedactSettings | None = None, **output: Any):
    record = Record("messages", 3, 1042, b"k", json.dumps(message).encode(), 1000)
    value = answer(record, model=model, redact=redact, **output).value
    assert value is not None
    return json.loads(value)


def test_nothing_is_redacted_unless_it_is_asked_for() -> None:
    result = published({"text": TEXT})

    assert (TEXT, False) == (result["text"], "redacted" in result)


def test_text_and_attributes_are_redacted_and_counted_together() -> None:
    message = {"text": TEXT, "from": {"mail": "a@example.org", "n": 1}, "b@example.org": [4111111111111111], "n": 1.50}

    result = published(message, text="redacted", redact=RedactSettings(regions=("GB",)))

    assert "ask [email] or [phone]" == result["text"]
    assert {"from": {"mail": "[email]", "n": 1}, "[email]": ["[card]"], "n": 1.5} == result["attributes"]
    assert {"email": 3, "phone": 1, "card": 1} == result["redacted"]


def test_fields_whose_names_become_alike_keep_their_values() -> None:
    result = published({"text": "hello", "a@example.org": 1, "b@example.org": 2}, text="redacted")

    assert {"[email]": 1, "[email]#2": 2} == result["attributes"]


def test_a_message_nested_deeper_than_can_be_redacted_becomes_a_dead_letter() -> None:
    deep = b'{"text": "hello", "a": ' + b"[" * 900 + b"]" * 900 + b"}"
    records = [Record("messages", 3, 1, None, deep, 0), Record("messages", 3, 2, None, b'{"text": "hello"}', 0)]
    settings = Settings(output=OutputSettings(text="redacted"))

    outcome = build_pipeline(settings, predictor=KnownModel(), assign=third, now_ms=lambda: 1).process(records)

    assert ([1], [2]) == ([letter.offset for letter in outcome.dead_letters], [one.offset for one in outcome.results])
    assert "not_json" == header(outcome.dead_letters[0], "reason")


def test_a_result_of_which_nothing_was_taken_looks_as_ever() -> None:
    message = {"id": "7", "text": "hello", "channel": "web"}

    assert published(message) == published(message, text="redacted")


def test_the_model_reads_the_text_as_it_came() -> None:
    model = Listening()

    published({"text": TEXT}, model=model, text="redacted")

    assert [TEXT] == model.heard


def test_pseudonyms_name_their_key_and_differ_by_tenant(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"2026-11 = {'0f' * 16}\n")
    settings = RedactSettings(mode="pseudonym", key_file=keys, tenant_field="tenant")
    messages = [{"text": "a@example.org", "tenant": name} for name in ("one", "two", "one")]

    results = [published(message, text="redacted", redact=settings) for message in messages]

    first, second, third = (result["text"] for result in results)
    assert first == third != second
    assert ["2026-11"] * 3 == [result["redaction_key"] for result in results]


@pytest.mark.parametrize(
    "others", [{}, {"from": {"tenant": None}}, {"from": {"tenant": ""}}, {"from": {"tenant": [1]}}, {"from": "one"}]
)
def test_nothing_has_a_pseudonym_where_nobody_knows_the_tenant(others: dict[str, object], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"2026-11 = {'0f' * 16}\n")
    settings = RedactSettings(mode="pseudonym", key_file=keys, tenant_field="from.tenant")

    result = published({"text": "a@example.org", **others}, text="redacted", redact=settings)

    assert ("[email]", {"email": 1}, False) == (result["text"], result["redacted"], "redaction_key" in result)


def test_a_tenant_is_found_by_a_path(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"2026-11 = {'0f' * 16}\n")
    settings = RedactSettings(mode="pseudonym", key_file=keys, tenant_field="from.tenant")
    messages = [{"text": "a@example.org", "from": {"tenant": name}} for name in ("one", 2, "2")]

    texts = [published(message, text="redacted", redact=settings)["text"] for message in messages]

    assert (2, True) == (len(set(texts)), all(text.startswith("[email:") for text in texts))


def test_a_mask_names_no_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"2026-11 = {'0f' * 16}\n")

    result = published({"text": TEXT}, text="redacted", redact=RedactSettings(key_file=keys))

    assert "redaction_key" not in result


@pytest.mark.parametrize(
    ("output", "dead_letters", "expected"),
    [
        ("original", "original", "nothing"),
        ("none", "hash", "nothing"),
        ("redacted", "original", "a redactor"),
        ("original", "redacted", "a redactor"),
    ],
)
def test_a_redactor_is_made_where_something_is_redacted(output: Any, dead_letters: Any, expected: str) -> None:
    settings = Settings(output=OutputSettings(text=output), dead_letters=DeadLetterSettings(value=dead_letters))

    assert expected == ("nothing" if redactor_of(settings) is None else "a redactor")


def test_a_worker_whose_regions_are_none_does_not_start() -> None:
    settings = Settings(output=OutputSettings(text="redacted"), redact=RedactSettings(regions=("UK",)))

    with pytest.raises(ConfigurationError, match=r"redact\.regions"):
        redactor_of(settings)
