import pytest

from textsieve.producer.connection import Connection, read_secret
from textsieve.producer.errors import ConfigurationError


def login(**changes):
    settings = {
        "bootstrap_servers": ("kafka-1:9093",),
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "ann",
        "sasl_password": "s3cret",
    }
    return Connection(**{**settings, **changes})


def test_the_client_gets_the_login():
    options = login().client_options()

    assert options["security_protocol"] == "SASL_SSL"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("ann", "s3cret")


def test_a_connection_never_shows_its_password():
    assert "s3cret" not in repr(login())


@pytest.mark.parametrize(
    "changes",
    [
        {"sasl_password": None},
        {"sasl_username": None},
        {"sasl_mechanism": None},
        {"security_protocol": "SSL"},
        {"bootstrap_servers": ()},
        {"bootstrap_servers": ("kafka",)},
        {"bootstrap_servers": ("kafka:http",)},
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused_without_showing_the_password(changes):
    with pytest.raises(ConfigurationError) as refusal:
        login(**changes)

    assert "s3cret" not in str(refusal.value)


def test_a_secret_comes_from_its_variable_or_its_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(" s3cret \n", encoding="utf-8")

    assert read_secret({"PASSWORD": "s3cret"}, "PASSWORD") == "s3cret"
    assert read_secret({"PASSWORD_FILE": str(path)}, "PASSWORD") == " s3cret "
    assert read_secret({}, "PASSWORD") is None


@pytest.mark.parametrize("environ", [{"PASSWORD": "a", "PASSWORD_FILE": "b"}, {"PASSWORD_FILE": "/nowhere/at/all"}])
def test_a_secret_that_is_doubtful_is_refused(environ):
    with pytest.raises(ConfigurationError, match="PASSWORD_FILE"):
        read_secret(environ, "PASSWORD")
