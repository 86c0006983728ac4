"""A planted secret must not come out of the settings, whatever is done with them and whatever is wrong with them."""

import traceback
from pathlib import Path

import pytest

from textsieve.worker.connectors import redis as store
from textsieve.worker.connectors.kafka.client.options import connection_options
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading import load_settings
from textsieve.worker.settings import Settings

SECRET = "planted-53cr3t"
SECRET_OPTIONS = (
    "kafka.ssl_password",
    "kafka.sasl_password",
    "kafka.sasl_oauth_token",
    "redis.password",
    "redis.ssl_password",
)


def _variable(option: str) -> str:
    return "TEXTSIEVE_" + option.replace(".", "__").upper()


def _all_secrets() -> Settings:
    return load_settings(
        overrides=[
            "kafka.security_protocol=SASL_SSL",
            "kafka.sasl_mechanism=PLAIN",
            "kafka.sasl_username=worker",
            "redis.url=rediss://127.0.0.1:1/0",
            *(f"{option}={SECRET}" for option in SECRET_OPTIONS),
        ]
    )


@pytest.mark.parametrize("option", SECRET_OPTIONS)
def test_a_secret_is_a_secret_by_its_type(option: str) -> None:
    section, _, name = option.partition(".")

    assert "SecretStr" in str(Settings.model_fields[section].annotation.model_fields[name].annotation)


def test_settings_show_no_secret() -> None:
    settings = _all_secrets()
    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json(), f"{settings.kafka}"]

    assert [] == [text for text in shown if SECRET in text]


def test_clients_show_no_secret_and_get_it_all_the_same() -> None:
    settings = _all_secrets()
    client = store.connect(settings.redis)

    assert SECRET == connection_options(settings.kafka)["sasl_plain_password"]
    assert SECRET not in f"{client!r} {client.connection_pool!r}"


@pytest.mark.parametrize(
    "fault",
    [
        "kafka.group_ip=x",
        "kafka.session_timeout_ms=never",
        "kafka.security_protocol=PLAINTEXT",
        "redis.url=redis://127.0.0.1:1/0",
        f"redis.url=redis://worker:{SECRET}@127.0.0.1/0",
        f"redis.url=redis://127.0.0.1/0?password={SECRET}",
        f'redis.password=["{SECRET}"]',
        f'redis.password={{"a": "{SECRET}"',
        f"kafka.sasl_pasword={SECRET}",
        f"kafka={SECRET}",
    ],
)
def test_an_error_of_the_settings_shows_no_secret(fault: str) -> None:
    overrides = ["kafka.sasl_mechanism=PLAIN", "kafka.security_protocol=SASL_SSL", "redis.url=rediss://127.0.0.1:1/0"]

    with pytest.raises(ConfigurationError) as caught:
        load_settings(overrides=[*overrides, *(f"{option}={SECRET}" for option in SECRET_OPTIONS), fault])

    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", [f'["{SECRET}"]', f'"{SECRET}"', SECRET, f'{{"sasl_password": "{SECRET}"', "[[[["])
def test_an_error_of_a_whole_section_shows_no_secret(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TEXTSIEVE_KAFKA", value)

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("option", [option for option in SECRET_OPTIONS if option != "kafka.sasl_oauth_token"])
def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("TEXTSIEVE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("TEXTSIEVE_REDIS__URL", "rediss://127.0.0.1:1/0")
    monkeypatch.setenv(f"{_variable(option)}_FILE", str(path))
    section, _, name = option.partition(".")

    assert SECRET == getattr(getattr(load_settings(), section), name).get_secret_value()


def test_a_variable_and_its_file_are_not_both_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("other", encoding="utf-8")
    monkeypatch.setenv("TEXTSIEVE_REDIS__PASSWORD", SECRET)
    monkeypatch.setenv("TEXTSIEVE_REDIS__PASSWORD_FILE", str(tmp_path / "secret"))

    with pytest.raises(ConfigurationError, match="are both set: keep one") as caught:
        load_settings()

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff" + SECRET.encode(), SECRET.encode() * 10_000])
def test_a_file_that_holds_no_secret_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("TEXTSIEVE_REDIS__PASSWORD_FILE", str(path))

    with pytest.raises(ConfigurationError, match=r"TEXTSIEVE_REDIS__PASSWORD_FILE: expected a .*file") as caught:
        load_settings()

    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_token_file_is_an_option_and_is_left_unread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEXTSIEVE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("TEXTSIEVE_KAFKA__SASL_OAUTH_TOKEN_FILE", str(tmp_path / "later"))
    kafka = load_settings().kafka

    assert (tmp_path / "later", None) == (kafka.sasl_oauth_token_file, kafka.sasl_oauth_token)


@pytest.mark.parametrize(
    ("protocol", "option"),
    [
        ("PLAINTEXT", "ssl_cafile=/ca.pem"),
        ("PLAINTEXT", f"sasl_password={SECRET}"),
        ("SASL_PLAINTEXT", "ssl_cafile=/ca.pem"),
        ("SSL", "sasl_username=worker"),
    ],
)
def test_a_credential_that_would_not_be_used_is_refused(protocol: str, option: str) -> None:
    with pytest.raises(ConfigurationError, match=r"would not be used, because kafka\.security_protocol is"):
        load_settings(overrides=[f"kafka.security_protocol={protocol}", f"kafka.{option}"])


@pytest.mark.parametrize(
    "url",
    [
        "redis://a:b@h/0",
        "redis://h/0?ssl_cert_reqs=none",
        "rediss://h/0?ssl_check_hostname=false",
        "unix:///run/redis.sock",
        "http://h",
        "",
    ],
)
def test_a_redis_url_says_where_and_nothing_else(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.url: expected redis://host:port/db"):
        load_settings(overrides=[f"redis.url={url}"])


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h:1", "rediss://redis.example.org:6380/3", "redis://[::1]:6379/0"]
)
def test_a_plain_redis_url_is_taken(url: str) -> None:
    assert url == load_settings(overrides=[f"redis.url={url}"]).redis.url
