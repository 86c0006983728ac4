"""Anything may come in a message, a setting, a file or the store: an answer or our own error comes out."""

import json
import os
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.answers import KnownModel, third
from textsieve.worker.clustering.space import ClusterSpace
from textsieve.worker.columns import TEXT
from textsieve.worker.connectors.kafka.producer.answer_headers import answer_headers
from textsieve.worker.connectors.redis import RedisCentroidStore
from textsieve.worker.connectors.redis.scripts import NOW_SCRIPT
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings
from textsieve.worker.pipeline import Pipeline, build_pipeline
from textsieve.worker.records import REASONS, Record
from textsieve.worker.settings import DeadLetterSettings, InputSettings, OutputSettings, Settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))  # of each test; `make fuzz` takes 20,000

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
messages = st.fixed_dictionaries(
    {}, optional={"text": json_values, "id": json_values, "a": json_values, "": json_values}
)
encoded = messages.map(lambda value: json.dumps(value).encode())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Almost JSON: one cut, one foreign piece."""
    value = draw(encoded)
    at = draw(st.integers(0, len(value)))
    return value[:at] + draw(st.binary(max_size=6)) + value[draw(st.integers(at, len(value))) :]


deep = st.integers(1, 50_000).flatmap(
    lambda depth: st.sampled_from([b"[" * depth, b'{"text":' * depth, b'{"a":' + b"[" * depth + b"]" * depth + b"}"])
)
values = st.none() | st.binary(max_size=200) | encoded | damaged() | deep
headers = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40)), max_size=4)
paths = st.sampled_from(["text", "id", "a.b", "a.text", "a.a.a", "", ".", "a.", "..a"]) | st.text(max_size=12)


def decoded_and_encoded(value: bytes | None, pipeline: Pipeline, found: list[tuple[str, bytes]]) -> None:
    """A message becomes a result that is JSON with a text, or a dead letter of a known reason that fits."""
    outcome = pipeline.process([Record("messages", 0, 7, None, value, 0, tuple(found))])

    assert 1 == len(outcome.results) + len(outcome.dead_letters)
    for result in outcome.results:
        assert result.value is not None
        assert list(outcome.batch[TEXT]) == [msgspec.json.decode(result.value)["text"]]
    for letter in outcome.dead_letters:
        assert letter.value is not None or letter.key is not None or value is None
        assert len(letter.value or b"") <= 4096
    assert set(outcome.reasons) <= set(REASONS)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    value=values,
    text_field=paths,
    id_field=paths,
    ways=st.tuples(st.sampled_from(["json", "text"]), st.sampled_from(["original", "redacted"])),
    found=headers,
)
def test_the_codec_answers_every_message(value, text_field, id_field, ways, found) -> None:
    form, shown = ways
    incoming = InputSettings(format=form, text_field=text_field, id_field=id_field, max_value_bytes=100_000)
    settings_of = Settings(
        input=incoming,
        output=OutputSettings(max_message_bytes=4096, text=shown),
        dead_letters=DeadLetterSettings(value=shown),
    )
    pipeline = build_pipeline(settings_of, predictor=KnownModel(), assign=third, now_ms=lambda: 1)
    decoded_and_encoded(value, pipeline, found)


@settings(max_examples=EXAMPLES, deadline=None)
@given(value=st.binary(max_size=60) | st.text(max_size=30).map(lambda name: f"{name}/1/2".encode()))
def test_the_ledger_reads_every_header(value) -> None:
    answer_headers([("textsieve.source", value), ("textsieve.topic-id", value)])


option_names = st.sampled_from(
    [
        f"{section}.{option}"
        for section, group in Settings.model_fields.items()
        for option in group.annotation.model_fields
    ]
)
overrides = st.builds("{}={}".format, option_names, st.text(max_size=20)) | st.text(max_size=30)
json_overrides = st.builds("{}={}".format, option_names, json_values.map(json.dumps)) | st.builds(
    "{}={}".format, option_names, st.sampled_from(["[" * 10_000, '{"a":' * 10_000, "{", "9" * 5000, "1e999", "[NaN]"])
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(given_overrides=st.lists(overrides | json_overrides, max_size=3))
def test_overrides_are_settings_or_our_error(given_overrides) -> None:
    with suppress(ConfigurationError):
        load_settings(overrides=given_overrides)


variables = st.sampled_from(
    [f"TEXTSIEVE_{name.replace('.', '__').upper()}" for name in ("kafka.group_id", "redis.password", "model.labels")]
    + [
        "TEXTSIEVE_KAFKA",
        "TEXTSIEVE_MODEL",
        "TEXTSIEVE_REDIS__PASSWORD_FILE",
        "TEXTSIEVE_X__Y",
        "TEXTSIEVE___",
        "TEXTSIEVE_A",
    ]
    + ["TEXTSIEVE_MODEL__LABELS__A", "TEXTSIEVE_KAFKA__", "TEXTSIEVE_KAFKA__GROUP_ID__A", "TEXTSIEVE_KAFKA___FILE"]
)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["[" * 5_000, '{"a":' * 5_000, '{"group_id": 1}', '["x"]', "null", "\udcff", "/", "/dev/null", "x" * 5000]
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(environment=st.dictionaries(variables, words, max_size=3))
def test_an_environment_is_settings_or_our_error(environment) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with suppress(ConfigurationError):
            load_settings()


toml = (
    st.binary(max_size=80)
    | st.builds(
        "[{}]\n{} = {}\n".format,
        st.sampled_from([*Settings.model_fields, "x"]),
        st.sampled_from(["group_id", "labels", "password", "k", "x"]),
        json_values.map(json.dumps),
    ).map(str.encode)
    | st.just(b"a = " + b"[" * 5_000)
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(content=toml)
def test_a_file_is_settings_or_our_error(tmp_path_factory, content) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "fuzz.toml"
    path.write_bytes(content)
    with suppress(ConfigurationError):
        load_settings(config=path)


class _Stored:
    """A client of a store that holds whatever somebody wrote there."""

    def __init__(self, fields: dict[bytes, bytes]) -> None:
        self.fields = fields

    def hget(self, _key: str, field: str) -> bytes | None:
        return self.fields.get(field.encode())

    def hgetall(self, _key: str) -> dict[bytes, bytes]:
        return self.fields

    def register_script(self, script: str):
        return lambda **_: [1, 0] if script == NOW_SCRIPT else 1


VALID = {
    b"format": b"1",
    b"revision": b"r",
    b"version": b"1",
    b"model": b"m",
    b"group": b"g",
    b"learned": b"2",
    b"k": b"2",
    b"dim": b"2",
    b"centers": bytes(16),
    b"counts": bytes(16),
    b"offset:messages:0": b"2@id",
    b"started": b"1",
    b"row:messages:0:00001": bytes(8),
}
stored = st.dictionaries(
    st.sampled_from([*VALID, b"offset:", b"offset:a", b"row:", b"row:a:b:c", b"offset:\xff:1"])
    | st.binary(max_size=12),
    st.binary(max_size=20)
    | st.sampled_from([b"-1", b"9" * 5000, b"nan", b"\xff", b"\x00\x00\xc0\x7f" * 4, "²".encode()]),
    max_size=4,
).map(lambda changed: VALID | changed)


@settings(max_examples=EXAMPLES, deadline=None)
@given(fields=stored, left_out=st.sampled_from([*VALID, b""]))
def test_whatever_the_store_holds_is_read_or_refused(fields, left_out) -> None:
    client = _Stored({name: value for name, value in fields.items() if name != left_out})
    centroids = RedisCentroidStore(client, "default", ClusterSpace("m", "g", 2, 2, 1.0))  # type: ignore[arg-type]
    for read in (centroids.revision, centroids.load, centroids.pool):
        with suppress(ConfigurationError):
            read()
