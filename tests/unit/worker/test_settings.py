"""What the options promise by themselves."""

from typing import cast

import pytest
from pydantic import SecretStr, ValidationError

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings
from textsieve.worker.settings import ClusterSettings, KafkaSettings, ModelSettings, RedisSettings, Section, Settings


@pytest.mark.parametrize(("preset", "expected"), [("kafka", 45_000), ("embedded", 6_000)])
def test_a_preset_brings_its_session_timeout(preset, expected):
    assert expected == KafkaSettings(preset=preset).session_ms


def test_a_session_timeout_of_ones_own_is_stronger_than_the_preset():
    assert 9_000 == KafkaSettings(preset="embedded", session_timeout_ms=9_000).session_ms


@pytest.mark.parametrize(
    ("k", "seed_messages", "expected"),
    [(50, None, 1000), (200, None, 4000), (600, None, 10_000), (2000, None, 20_000), (8, 40, 40), (100, 40, 100)],
)
def test_seeding_waits_for_enough_rows_and_never_for_fewer_than_clusters(k, seed_messages, expected):
    assert expected == ClusterSettings(k=k, seed_messages=seed_messages).seed_size


def test_names_may_be_given_with_commas():
    assert ("one", "two") == KafkaSettings(input_topics=" one, two,").input_topics


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@localhost:6379/0",
        "redis://user:hunter2@localhost:6379/0",
        "redis://user@localhost",
        "redis://localhost:6379/0?password=hunter2",
        "redis://localhost:6379/0?db=1&username=user",
    ],
)
def test_a_user_or_password_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ValidationError, match=r"redis\.password") as refused:
        RedisSettings(url=url)

    assert "hunter2" not in refused.value.errors(include_input=False, include_url=False)[0]["msg"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"topology": "sentinel"}, r"redis\.sentinel_service: expected the name"),
        ({"sentinel_service": "primary"}, "sentinel_service would not be used, because redis.topology is single"),
        ({"nodes": ("other:6379",)}, "nodes would not be used, because redis.topology is single"),
        ({"topology": "cluster", "sentinel_service": "primary"}, "sentinel_service would not be used"),
        ({"topology": "cluster", "url": "redis://localhost:6379/2"}, "database 0.*got 2"),
        ({"topology": "cluster", "nodes": ("redis://other",)}, "expected host:port, got redis://other"),
        ({"topology": "cluster", "nodes": ("user@other",)}, "expected host:port, got user@other"),
        ({"topology": "cluster", "nodes": ("other:99999",)}, "expected host:port, got other:99999"),
    ],
)
def test_a_topology_has_what_it_needs_and_nothing_else(given, words):
    with pytest.raises(ValidationError, match=words):
        RedisSettings(**given)


def test_nodes_of_a_cluster_have_the_usual_port_where_they_name_none():
    settings = RedisSettings(url="redis://[::1]:7000", topology="cluster", nodes=("one", "two:7001"))

    assert (("::1", 7000), ("one", 6379), ("two", 7001)) == settings.addresses


def test_sentinels_have_theirs_and_the_database_is_that_of_the_primary():
    settings = RedisSettings(url="rediss://one/3", topology="sentinel", nodes=("two",), sentinel_service="primary")

    assert ((("one", 26379), ("two", 26379)), 3) == (settings.addresses, settings.database)


PASSWORD = KafkaSettings(
    security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_username="u", sasl_password=SecretStr("hunter2")
)
TOKEN = KafkaSettings(
    security_protocol="SASL_PLAINTEXT", sasl_mechanism="OAUTHBEARER", sasl_oauth_token=SecretStr("hunter2")
)


@pytest.mark.parametrize("kafka", [PASSWORD, TOKEN])
def test_secrets_are_not_shown(kafka):
    settings = Settings(kafka=kafka, redis=RedisSettings(password=SecretStr("hunter2")))

    shown = [str(settings), repr(settings), str(settings.model_dump()), settings.model_dump_json()]

    assert [] == [text for text in shown if "hunter2" in text]


def test_options_cannot_be_changed_later():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().kafka.group_id = "another"


@pytest.mark.parametrize("section", Settings.model_fields)
def test_every_option_says_what_it_does(section):
    options = cast("type[Section]", Settings.model_fields[section].annotation).model_fields

    assert [] == [name for name, field in options.items() if not (field.description or "").endswith(".")]


@pytest.mark.parametrize("section", Settings.model_fields)
def test_every_option_has_a_default(section):
    options = cast("type[Section]", Settings.model_fields[section].annotation).model_fields

    assert [] == [name for name, field in options.items() if field.is_required()]


@pytest.mark.parametrize(
    "option",
    [
        {"kafka": {"input_topics": ""}},
        {"kafka": {"bootstrap_servers": " , "}},
        {"kafka": {"bootstrap_servers": "127.0.0.1:kafka"}},
        {"kafka": {"bootstrap_servers": "127.0.0.1:99999"}},
        {"kafka": {"group_id": ""}},
        {"kafka": {"output_topic": ""}},
        {"kafka": {"fetch_max_bytes": 2**31}},
        {"kafka": {"session_timeout_ms": 2**31}},
        {"kafka": {"max_poll_interval_ms": 2**31}},
        {"delivery": {"max_iteration_seconds": "inf"}},
        {"delivery": {"shutdown_seconds": 1e12}},
        {"redis": {"timeout_seconds": "inf"}},
        {"redis": {"timeout_seconds": 1e12}},
    ],
    ids=str,
)
def test_what_no_client_could_work_with_is_refused(option):
    with pytest.raises(ValidationError):
        Settings.model_validate(option)


@pytest.mark.parametrize("server", ["kafka", "kafka:9092", "[::1]:9092", "SSL://kafka:9093"])
def test_a_broker_has_a_host_and_perhaps_a_port(server):
    assert (server,) == KafkaSettings(bootstrap_servers=server).bootstrap_servers


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "torch", "precision": "int8"},
        {"engine": "onnx", "precision": "bf16"},
        {"engine": "onnx", "precision": "fp16"},
        {"device": "cpu", "precision": "fp16"},
        {"device": "cuda", "precision": "int8"},
        {"device": "cuda", "engine": "onnx"},
    ],
)
def test_an_engine_that_does_not_compute_so_is_refused_with_the_settings_named(options):
    with pytest.raises(ValidationError) as caught:
        ModelSettings(**options)

    assert all(f"model.{name} {value}" in str(caught.value) for name, value in options.items())


@pytest.mark.parametrize("engine", ["auto", "torch", "onnx"])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_float32_goes_with_every_engine(engine, device):
    assert "fp32" == ModelSettings(engine=engine, device=device, precision="fp32").precision


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert tmp_path / "textsieve" == ModelSettings().cache_folder
    assert tmp_path / "own" == ModelSettings(cache_directory=tmp_path / "own").cache_folder


def test_a_relative_cache_home_is_ignored_as_its_specification_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert tmp_path in ModelSettings().cache_folder.parents


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("textsieve.worker.settings.model.Path.home", nobody)

    assert ModelSettings().cache_folder is None


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("delivery", "poll_timeout_seconds"),
        ("delivery", "publish_session_fraction"),
        ("dead_letters", "window"),
        ("redis", "retries"),
    ],
)
def test_an_option_that_became_a_constant_is_accepted_with_a_warning_and_does_nothing(section, name):
    with pytest.warns(FutureWarning, match=rf"{section}\.{name} is now a constant"):
        settings = Settings.model_validate({section: {name: 99}})

    assert Settings() == settings
    assert getattr(getattr(Settings(), section), name) == getattr(getattr(settings, section), name)


def test_every_source_may_still_have_a_constant(monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTSIEVE_DEAD_LETTERS__WINDOW", "50")
    file = tmp_path / "textsieve.toml"
    file.write_text("[delivery]\npoll_timeout_seconds = 0.1\nshutdown_seconds = 9\n")

    with pytest.warns(FutureWarning) as warned:
        settings = load_settings(config=file, overrides=["redis.retries=7"])

    constants = {str(one.message).split()[0] for one in warned}
    assert {"dead_letters.window", "delivery.poll_timeout_seconds", "redis.retries"} == constants
    assert 9 == settings.delivery.shutdown_seconds


@pytest.mark.parametrize(("given", "expected"), [(False, "none"), ("false", "none"), (True, "original")])
def test_the_old_name_of_output_text_is_accepted_with_a_warning(given, expected):
    with pytest.warns(FutureWarning, match=rf"output\.include_text is now output\.text: set output\.text={expected}"):
        settings = Settings.model_validate({"output": {"include_text": given}})

    assert expected == settings.output.text


def test_every_source_may_still_have_the_old_name_of_output_text(monkeypatch):
    monkeypatch.setenv("TEXTSIEVE_OUTPUT__INCLUDE_TEXT", "0")

    with pytest.warns(FutureWarning, match=r"output\.text=none"):
        assert "none" == load_settings().output.text
    with pytest.warns(FutureWarning, match=r"output\.text=original"):
        assert "original" == load_settings(overrides=["output.include_text=true"]).output.text


@pytest.mark.parametrize("more", [{"text": "none"}, {}])
def test_the_old_name_of_output_text_beside_the_new_one_or_without_sense_is_refused(more):
    with pytest.raises(ValidationError):
        Settings.model_validate({"output": {"include_text": "perhaps" if not more else False, **more}})


def test_pseudonyms_need_a_file_with_a_key():
    with pytest.raises(ConfigurationError, match=r"redact\.key_file: expected a file"):
        load_settings(overrides=["redact.mode=pseudonym"])


@pytest.mark.parametrize("topic", ["messages", "labels", "letters"])
def test_alarms_do_not_go_where_messages_or_answers_are(topic):
    kafka = {"input_topics": ["messages"], "output_topic": "labels", "dead_letter_topic": "letters"}

    with pytest.raises(ValidationError, match="expected a topic for alarms alone"):
        Settings(kafka={**kafka, "alarm_topic": topic}, campaigns={"enabled": True})


def test_without_campaigns_the_topic_of_alarms_is_nothing():
    assert "alarms" == Settings(kafka={"input_topics": ["alarms"]}).kafka.alarm_topic
