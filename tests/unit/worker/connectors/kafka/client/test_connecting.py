"""What kafka-python is told, and what comes of what it says."""

import logging

import pytest
from kafka import errors

from tests.tls import Authority
from textsieve.worker.connectors.kafka.client.options import connecting, connection_options, translated
from textsieve.worker.errors import BrokerUnavailable, ConfigurationError, OwnershipLost
from textsieve.worker.settings import KafkaSettings

SECRET = "planted-secret"


def test_plaintext_needs_nothing_else() -> None:
    options = connection_options(KafkaSettings())

    assert "PLAINTEXT" == options["security_protocol"]
    assert {"ssl_context", "sasl_mechanism"}.isdisjoint(options)


def test_tls_checks_certificates_and_host_names_without_being_asked() -> None:
    context = connection_options(KafkaSettings(security_protocol="SSL"))["ssl_context"]

    assert context.check_hostname
    assert "CERT_REQUIRED" == context.verify_mode.name
    assert "TLSv1_2" == context.minimum_version.name


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_login_is_handed_on(protocol: str, mechanism: str) -> None:
    options = connection_options(
        KafkaSettings(
            security_protocol=protocol, sasl_mechanism=mechanism, sasl_username="worker", sasl_password=SECRET
        )
    )

    assert (protocol, mechanism) == (options["security_protocol"], options["sasl_mechanism"])
    assert ("worker", SECRET) == (options["sasl_plain_username"], options["sasl_plain_password"])
    assert ("ssl_context" in options) == (protocol == "SASL_SSL")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "kafka.sasl_mechanism"),
        ({"sasl_mechanism": "PLAIN", "sasl_username": "worker"}, "kafka.sasl_password"),
        ({"sasl_mechanism": "OAUTHBEARER"}, "kafka.sasl_oauth_token_file"),
        ({"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_file": "/nowhere"}, "kafka.sasl_oauth_token_file"),
        ({"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_file": "/etc", "sasl_oauth_token": SECRET}, "got both"),
    ],
)
def test_a_login_that_lacks_something_names_it(given: dict[str, str], named: str) -> None:
    settings = KafkaSettings(security_protocol="SASL_SSL", **given)

    with pytest.raises(ConfigurationError, match=named) as caught:
        connection_options(settings)

    assert SECRET not in str(caught.value)


def test_a_token_file_is_read_anew_at_every_login(tmp_path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n", encoding="ascii")
    settings = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_oauth_token_file=path)
    provider = connection_options(settings)["sasl_oauth_token_provider"]
    before = provider.token()
    path.write_text("second\n", encoding="ascii")

    assert ("first", "second") == (before, provider.token())


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"two\nlines", b"x" * 70_000])
def test_a_token_file_without_a_token_is_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    settings = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_oauth_token_file=path)

    with pytest.raises(ConfigurationError, match=r"kafka\.sasl_oauth_token_file"):
        connection_options(settings)


@pytest.mark.parametrize("name", ["ssl_cafile", "ssl_certfile"])
@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_that_is_no_certificate_is_named_before_anything_is_sent(tmp_path, name: str, content) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=rf"kafka\.{name}"):
        connection_options(KafkaSettings(security_protocol="SSL", **{name: path}))


def test_a_key_without_its_certificate_is_refused(tmp_path) -> None:
    pem = Authority(tmp_path).issue()

    with pytest.raises(ConfigurationError, match=r"kafka\.ssl_certfile: expected a certificate with"):
        connection_options(KafkaSettings(security_protocol="SSL", ssl_keyfile=pem.keyfile))


def test_an_encrypted_key_needs_its_password_and_never_asks_the_terminal(tmp_path) -> None:
    pem = Authority(tmp_path).issue().encrypted("right")
    files = {"security_protocol": "SSL", "ssl_certfile": pem.certfile, "ssl_keyfile": pem.keyfile}
    connection_options(KafkaSettings(**files, ssl_password="right"))

    for password in (None, "wrong"):
        with pytest.raises(ConfigurationError, match=r"kafka\.ssl_password"):
            connection_options(KafkaSettings(**files, ssl_password=password))


@pytest.mark.parametrize(
    ("failure", "error", "named"),
    [
        (errors.SaslAuthenticationFailedError("bad"), ConfigurationError, r"kafka\.sasl_\*"),
        (errors.UnsupportedSaslMechanismError("no"), ConfigurationError, r"kafka\.sasl_\*"),
        (errors.KafkaConnectionError("CERTIFICATE_VERIFY_FAILED"), BrokerUnavailable, r"kafka\.ssl_cafile"),
        (errors.KafkaConnectionError("111 ECONNREFUSED"), BrokerUnavailable, r"kafka\.bootstrap_servers"),
        (ConfigurationError("kafka.sasl_oauth_token_file: gone"), ConfigurationError, "sasl_oauth_token_file"),
        (None, BrokerUnavailable, r"kafka\.bootstrap_servers"),
    ],
)
def test_a_connection_that_never_came_about_says_why(failure, error: type[Exception], named: str) -> None:
    def construct() -> None:
        if failure is not None:
            logging.getLogger("kafka.net.manager").error("Connection failed: %s", failure)
        logging.getLogger("kafka.net.manager").error("Bootstrap failed: %s", errors.KafkaTimeoutError("late"))
        raise errors.KafkaTimeoutError("late")

    with pytest.raises(error, match=named), connecting("asking"):
        construct()


REFUSAL = errors.SaslAuthenticationFailedError("bad")
AWAY = errors.KafkaConnectionError("111 ECONNREFUSED")
CUT_SHORT = errors.RequestTimedOutError("Request timed out after 0 ms")


@pytest.mark.parametrize(
    ("failures", "named"),
    [
        ([REFUSAL, CUT_SHORT], r"kafka\.sasl_\*"),
        ([REFUSAL, errors.KafkaConnectionError("Connection timed out")], r"kafka\.sasl_\*"),
        ([REFUSAL, AWAY], r"kafka\.sasl_\*"),
        ([AWAY, CUT_SHORT], "ECONNREFUSED"),
        ([CUT_SHORT], "timed out after 0 ms"),
        ([AWAY, errors.KafkaConnectionError("113 EHOSTUNREACH")], "EHOSTUNREACH"),
    ],
)
def test_of_several_failures_the_one_that_says_most_is_told(failures, named: str) -> None:
    """The last attempt is often cut short by the end of our own patience: that hid a refused password once."""

    def construct() -> None:
        for failure in failures:
            logging.getLogger("kafka.net.manager").error("Connection failed: %s", failure)
        raise errors.KafkaTimeoutError("late")

    with pytest.raises((ConfigurationError, BrokerUnavailable), match=named), connecting("asking"):
        construct()


def test_no_listener_stays_behind() -> None:
    logger = logging.getLogger("kafka.net")
    before = list(logger.handlers)
    with connecting("asking"):
        pass

    assert before == logger.handlers


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (errors.IllegalGenerationError(), OwnershipLost),
        (errors.TopicAuthorizationFailedError(), ConfigurationError),
        (errors.GroupAuthorizationFailedError(), ConfigurationError),
        (errors.KafkaTimeoutError(), BrokerUnavailable),
        (ConnectionResetError(), BrokerUnavailable),
    ],
)
def test_errors_get_our_names(theirs: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours), translated("doing"):
        raise theirs
