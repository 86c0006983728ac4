"""Four sources of settings in order of strength, and every fault told at once without a secret."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings, reference_table
from textsieve.worker.settings import ENV_PREFIX, Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path) -> None:
    """No settings of the machine that runs the tests."""
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "textsieve.toml"


def faults(overrides: Iterable[str] = (), config: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(overrides=overrides, config=config)
    return str(refused.value)


def test_without_any_source_everything_has_its_default():
    assert Settings().model_dump() == load_settings().model_dump()


def test_a_file_is_stronger_than_the_defaults(file):
    file.write_text('[kafka]\ngroup_id = "from-file"\n')

    assert "from-file" == load_settings().kafka.group_id


def test_the_environment_is_stronger_than_a_file(file, monkeypatch):
    file.write_text('[kafka]\ngroup_id = "from-file"\n')
    monkeypatch.setenv("TEXTSIEVE_KAFKA__GROUP_ID", "from-env")

    assert "from-env" == load_settings().kafka.group_id


def test_overrides_are_stronger_than_the_environment(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_KAFKA__GROUP_ID", "from-env")

    assert "from-flag" == load_settings(overrides=["kafka.group_id=from-flag"]).kafka.group_id


def test_sources_are_mixed_option_by_option(file, monkeypatch):
    file.write_text('[kafka]\ngroup_id = "from-file"\noutput_topic = "from-file"\npreset = "embedded"\n')
    monkeypatch.setenv("TEXTSIEVE_KAFKA__OUTPUT_TOPIC", "from-env")

    kafka = load_settings(overrides=["kafka.preset=kafka"]).kafka

    assert ("from-file", "from-env", "kafka", "dead-letters") == (
        kafka.group_id,
        kafka.output_topic,
        kafka.preset,
        kafka.dead_letter_topic,
    )


def test_a_named_file_is_read_instead_of_the_usual_one(file, tmp_path):
    file.write_text('[kafka]\ngroup_id = "usual"\n')
    named = tmp_path / "named.toml"
    named.write_text('[kafka]\ngroup_id = "named"\n')

    assert "named" == load_settings(config=named).kafka.group_id


def test_a_named_file_that_is_not_there_is_a_fault(tmp_path):
    assert "--config: expected a TOML file" in faults(config=tmp_path / "absent.toml")


@pytest.mark.parametrize("content", [b"[kafka\n", b"kafka = \n", b"\xff\xfe"])
def test_a_broken_file_is_named(file, content):
    file.write_bytes(content)

    assert faults().startswith("textsieve.toml: expected TOML; ")


def test_the_last_of_two_overrides_counts():
    assert 2 == load_settings(overrides=["clusters.k=3", "clusters.k=2"]).clusters.k


def test_a_value_may_hold_an_equals_sign():
    assert "a=b" == load_settings(overrides=["kafka.group_id=a=b"]).kafka.group_id


@pytest.mark.parametrize("source", ["flag", "env", "file"])
def test_topics_are_lists_in_every_source(file, monkeypatch, source):
    if source == "file":
        file.write_text('[kafka]\ninput_topics = ["one", "two"]\n')
    elif source == "env":
        monkeypatch.setenv("TEXTSIEVE_KAFKA__INPUT_TOPICS", "one,two")
    overrides = ["kafka.input_topics=one,two"] if source == "flag" else []

    assert ("one", "two") == load_settings(overrides=overrides).kafka.input_topics


@pytest.mark.parametrize("source", ["flag", "env", "file"])
def test_labels_with_descriptions_can_be_given_in_every_source(file, monkeypatch, source):
    as_json = '{"spam": ["You won money", "Buy pills"], "ham": ["See you at lunch"]}'
    if source == "file":
        file.write_text('[model.labels]\nspam = ["You won money", "Buy pills"]\nham = ["See you at lunch"]\n')
    elif source == "env":
        monkeypatch.setenv("TEXTSIEVE_MODEL__LABELS", as_json)
    overrides = [f"model.labels={as_json}"] if source == "flag" else []

    labels = load_settings(overrides=overrides).model.labels

    assert {"spam": ("You won money", "Buy pills"), "ham": ("See you at lunch",)} == labels


def test_thresholds_of_one_source_stand_beside_those_of_another(file, monkeypatch):
    file.write_text("[model.thresholds]\nspam = 0.8\n")
    monkeypatch.setenv("TEXTSIEVE_MODEL__THRESHOLDS", '{"offer": 0.5}')

    assert {"spam": 0.8, "offer": 0.5} == load_settings().model.thresholds
    assert {"spam": 0.8, "offer": 0.9} == load_settings(overrides=['model.thresholds={"offer": 0.9}']).model.thresholds


def test_one_threshold_needs_no_json(file):
    file.write_text("[model.thresholds]\nspam = 0.8\nham = 0.2\n")

    found = load_settings(overrides=["model.thresholds.spam=0.9", "model.thresholds.v1.0=0.5"]).model.thresholds

    assert {"spam": 0.9, "ham": 0.2, "v1.0": 0.5} == found


def test_entries_stand_beside_the_json_that_came_before_them():
    overrides = ["model.thresholds.a=0.1", 'model.thresholds={"b": 0.2}', "model.thresholds.c=0.3"]

    assert {"b": 0.2, "c": 0.3} == load_settings(overrides=overrides).model.thresholds


def test_a_described_label_needs_no_json():
    overrides = ["model.labels.spam=You won money, click", 'model.labels.ham=["See you", "Home soon"]']

    labels = load_settings(overrides=overrides).model.labels

    assert {"spam": ("You won money, click",), "ham": ("See you", "Home soon")} == labels


def test_one_threshold_that_is_no_probability_is_named_with_its_label():
    assert faults(["model.thresholds.spam=1.5"]).startswith("model.thresholds.spam: ")


def test_a_threshold_that_is_no_probability_is_named_with_its_label():
    assert "model.thresholds.spam: " in faults(['model.thresholds={"spam": 1.5}'])


def test_a_secret_can_be_read_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")
    monkeypatch.setenv("TEXTSIEVE_REDIS__PASSWORD_FILE", str(tmp_path / "secret"))

    password = load_settings().redis.password

    assert password is not None
    assert "hunter2" == password.get_secret_value()


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTSIEVE_REDIS__PASSWORD_FILE", str(tmp_path / "absent"))

    assert faults().startswith("TEXTSIEVE_REDIS__PASSWORD_FILE: expected a readable text file")


def test_all_faults_are_told_at_once(file, monkeypatch):
    file.write_text("[clusters]\nk = 1\n[nonsense]\nx = 1\n")
    monkeypatch.setenv("TEXTSIEVE_KAFKA__PRESET", "rabbit")

    told = faults(["http.port=99999", "delivery.shutdown_secs=3"])

    names = ["clusters.k", "nonsense", "kafka.preset", "http.port", "delivery.shutdown_secs"]
    assert sorted(names) == sorted(line.partition(":")[0] for line in told.splitlines())


def test_a_fault_says_what_was_expected_and_what_came():
    assert "clusters.k: Input should be greater than or equal to 2, got '1'" == faults(["clusters.k=1"])


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("kafka.grup_id=x", "kafka.grup_id: there is no such option; did you mean kafka.group_id?"),
        (
            "kafka.bootstrap_server=x",
            "kafka.bootstrap_server: there is no such option; did you mean kafka.bootstrap_servers?",
        ),
        (
            "kafka.bootstrap.servers=x",
            "kafka.bootstrap.servers: there is no such option; did you mean kafka.bootstrap_servers?",
        ),
        ("model.Threads=1", "model.Threads: there is no such option; did you mean model.threads?"),
        ("kafka.url=x", "kafka.url: there is no such option; did you mean redis.url?"),
        ("kafak.group_id=x", "kafak: there is no such section; did you mean kafka?"),
        ("kafka.a.b=x", "kafka.a.b: there is no such option"),
        ("xyz.a=x", "xyz: there is no such section"),
        ("group_id=x", "--set: expected section.option=value, got 'group_id'; did you mean kafka.group_id?"),
    ],
)
def test_an_unknown_option_is_a_fault_that_names_the_one_that_was_meant(override, told):
    assert told == faults([override])


@pytest.mark.parametrize("content", ["[kafka]\ngrup_id = 'x'\n", "[kafak]\ngroup_id = 'x'\n"])
def test_an_unknown_option_in_the_file_is_a_fault(file, content):
    file.write_text(content)

    assert any(told in faults() for told in ("did you mean kafka.group_id?", "did you mean kafka?"))


def test_an_unknown_option_in_the_environment_is_a_fault(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_KAFKA__GRUP_ID", "x")

    assert "kafka.grup_id: there is no such option; did you mean kafka.group_id?" == faults()


def test_a_misspelt_section_in_the_environment_is_a_fault_like_any_other(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_KAFAK__GROUP_ID", "x")
    monkeypatch.setenv("TEXTSIEVE_REDISS__URL", "x")

    told = faults(["clusters.k=1"]).splitlines()

    assert ["TEXTSIEVE_KAFAK__GROUP_ID", "TEXTSIEVE_REDISS__URL", "clusters.k"] == [
        line.partition(":")[0] for line in told
    ]
    assert told[0].endswith("did you mean TEXTSIEVE_KAFKA__GROUP_ID?")


def test_variables_of_ours_that_are_no_settings_are_left_alone(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_TEST_KAFKA", "x")

    assert Settings().model_dump() == load_settings().model_dump()


@pytest.mark.parametrize("override", ["kafka", "kafka.group_id", "kafka=x", "=x", ""])
def test_an_override_of_another_form_is_a_fault(override):
    assert faults([override]).startswith("--set: expected section.option=value")


@pytest.mark.parametrize("value", ["{spam", '{"spam": [}', "[1"])
def test_an_override_with_broken_json_is_named(value):
    assert faults([f"model.labels={value}"]).startswith("--set model.labels: expected JSON")


@pytest.mark.parametrize(
    "override",
    [
        "redis.url=redis://:hunter2@localhost",
        "redis.url=redis://localhost?password=hunter2",
        'redis.password={"hunter2": 1}',
        'kafka.sasl_password=["hunter2"]',
        'kafka.ssl_password=["hunter2"]',
        'kafka.sasl_oauth_token=["hunter2"]',
        "redis.pasword=hunter2",
        "redis.password hunter2",
        "redis.password.x=hunter2",
        'redis.password={"hunter2',
    ],
)
def test_a_fault_never_shows_a_secret(override):
    assert "hunter2" not in faults([override])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEXTSIEVE_REDIS", "hunter2"),
        ("TEXTSIEVE_REDIS", '["hunter2"]'),
        ("TEXTSIEVE_REDIS", '"hunter2"'),
        ("TEXTSIEVE_REDIS__PASWORD", "hunter2"),
        ("TEXTSIEVE_RADIS__PASSWORD", "hunter2"),
        ("TEXTSIEVE_REDIS__PASSWORD__X", "hunter2"),
    ],
)
def test_a_fault_in_the_environment_never_shows_a_secret(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    assert "hunter2" not in faults()


def test_the_reference_has_every_option_once():
    rows = [line.split(" | ") for line in reference_table().splitlines()[2:]]

    options = [
        f"`{section}.{option}`"
        for section, outer in Settings.model_fields.items()
        for option in outer.annotation.model_fields
    ]
    assert options == [row[0].removeprefix("| ") for row in rows]


def test_the_reference_describes_every_option():
    rows = [line.split(" | ") for line in reference_table().splitlines()[2:]]

    assert [] == [row for row in rows if len(row) < 3 or not row[-1].endswith(". |")]


def test_the_reference_shows_defaults_as_one_would_write_them():
    table = reference_table()

    assert "| `kafka.input_topics` | `messages` |" in table
    assert "| `clusters.k` | `64` |" in table
    assert "| `redis.password` |  |" in table


def test_one_underscore_where_two_belong_is_told(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_KAFKA_GROUP_ID", "x")

    with pytest.raises(ConfigurationError, match="did you mean TEXTSIEVE_KAFKA__GROUP_ID"):
        load_settings()
