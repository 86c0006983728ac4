"""The shipped JSON Schemas and the AsyncAPI document are sound, and their examples are true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from textsieve.worker.records import REASONS, STAGES
from textsieve.worker.settings import Settings

ROOT = Path(__file__).parents[3]
SCHEMAS: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "worker" / "schemas").glob("*.schema.json"))
}
ASYNCAPI_PATH = ROOT / "docs" / "asyncapi.yaml"
ASYNCAPI: dict[str, Any] = yaml.safe_load(ASYNCAPI_PATH.read_text(encoding="utf-8"))

each_schema = pytest.mark.parametrize("name", sorted(SCHEMAS))


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


def _references(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _references(item)


def _resolve(reference: str) -> object:
    path, _, pointer = reference.partition("#")
    tree: Any = json.loads((ASYNCAPI_PATH.parent / path).read_text(encoding="utf-8")) if path else ASYNCAPI
    for part in pointer.split("/")[1:]:
        tree = tree[part]
    return tree


def _json_blocks(page: str) -> list[str]:
    return re.findall(r"```json\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_there_is_a_schema_for_each_kind_of_message():
    assert sorted(SCHEMAS) == ["alarm", "dead-letter", "input", "result"]


@each_schema
def test_a_schema_is_a_valid_schema_of_its_draft(name):
    Draft202012Validator.check_schema(SCHEMAS[name])

    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@each_schema
def test_the_examples_of_a_schema_fit_it(name):
    for example in SCHEMAS[name]["examples"]:
        _validator(name).validate(example)


def test_dead_letters_name_every_reason_and_stage_of_the_worker():
    headers = SCHEMAS["dead-letter"]["properties"]["headers"]["properties"]

    assert headers["textsieve.reason"]["enum"] == list(REASONS)
    assert headers["textsieve.stage"]["enum"] == list(STAGES)


def test_a_dead_letter_cannot_be_cut_without_the_hash_of_what_it_was():
    letter = json.loads(json.dumps(SCHEMAS["dead-letter"]["examples"][0]))
    letter["headers"]["textsieve.cut"] = "value"

    assert not _validator("dead-letter").is_valid(letter)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"text": None},
        {"text": 42},
        {"text": ""},
        {"text": " \n"},
        {"text": "hello", "id": True},
    ],
)
def test_an_input_that_would_become_a_dead_letter_does_not_fit(value):
    assert not _validator("input").is_valid(value)


@pytest.mark.parametrize("field", SCHEMAS["result"]["required"])
def test_a_result_without_one_of_its_fields_does_not_fit(field):
    result = {name: value for name, value in SCHEMAS["result"]["examples"][0].items() if name != field}

    assert not _validator("result").is_valid(result)


def test_the_examples_in_the_docs_fit_the_schemas():
    blocks = [json.loads(block) for block in _json_blocks("docs/messages.md")]
    fitting = [[name for name in ("input", "result", "dead-letter") if _fits(name, block)] for block in blocks]

    assert fitting == [["input"], ["result"]]


def _fits(name: str, block: dict[str, object]) -> bool:
    # A result is also a valid input (any object with a text is), so what has a source is not taken for one.
    return _validator(name).is_valid(block) and not (name == "input" and "source" in block)


def test_the_docs_explain_every_reason():
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\|.*\| `(\w+)` \|$", page, re.MULTILINE)

    assert set(REASONS) <= set(explained)


def test_every_reference_in_the_asyncapi_document_leads_somewhere():
    references = list(_references(ASYNCAPI))

    assert references
    for reference in references:
        assert _resolve(reference)


def test_the_asyncapi_document_has_the_topics_of_the_default_settings():
    addresses = {channel["address"] for channel in ASYNCAPI["channels"].values()}
    kafka = Settings().kafka

    assert addresses == {*kafka.input_topics, kafka.output_topic, kafka.dead_letter_topic, kafka.alarm_topic}
    assert ASYNCAPI["servers"]["local"]["host"] == kafka.bootstrap_servers[0]


def test_every_channel_is_used_by_one_operation_with_its_own_messages():
    used = [operation["channel"]["$ref"].rsplit("/", 1)[1] for operation in ASYNCAPI["operations"].values()]

    assert sorted(used) == sorted(ASYNCAPI["channels"])
    for operation in ASYNCAPI["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


def test_the_asyncapi_document_carries_the_version_of_the_package():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)

    assert version
    assert version[1] == ASYNCAPI["info"]["version"]
