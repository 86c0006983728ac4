"""Kafka over TLS: a proxy on loopback gives the embedded broker the certificates it has none of."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.streams import Stream, texts
from tests.services import Brokers
from tests.tls import Authority, TlsProxy
from textsieve.embedded.broker import Broker
from textsieve.embedded.errors import BinaryMissing
from textsieve.embedded.topics import Names
from textsieve.worker.connectors.kafka import prepare_topics
from textsieve.worker.connectors.kafka.client import options
from textsieve.worker.errors import BrokerUnavailable
from textsieve.worker.settings import DeliverySettings, KafkaSettings, OutputSettings

SHORT_MS = 1_500  # of patience: these brokers never change their mind
# with TLS 1.3 a client may write before it has read the alert that says why: then it sees but that the server broke off
NAMES_THE_CERTIFICATE = r"wants a (client certificate it trusts: )?kafka\.ssl_certfile"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "BOOTSTRAP_TIMEOUT_MS", SHORT_MS)


@contextmanager
def tls_broker(proxy: TlsProxy) -> Iterator[Broker]:
    with ExitStack() as stack:
        stack.enter_context(proxy)
        try:
            broker = stack.enter_context(Broker(advertised_port=proxy.port))
        except BinaryMissing as missing:
            pytest.skip(str(missing))
        proxy.target_port = broker.port
        yield broker


def connect(proxy: TlsProxy, **more: object) -> None:
    """What every worker does first; the input topic is not there, so a connection ends in its absence."""
    settings = KafkaSettings(
        bootstrap_servers=(f"127.0.0.1:{proxy.port}",), input_topics=("nowhere",), security_protocol="SSL", **more
    )
    prepare_topics(settings, OutputSettings(), DeliverySettings())


def test_a_worker_streams_over_tls_with_a_client_certificate(authority: Authority, store: str, names: Names) -> None:
    client = authority.issue("worker.example.org")
    proxy = TlsProxy(authority.issue(), clients_of=authority)
    with tls_broker(proxy) as broker:
        tls = {
            "security_protocol": "SSL",
            "ssl_cafile": str(authority.cafile),
            "ssl_certfile": str(client.certfile),
            "ssl_keyfile": str(client.keyfile),
        }
        stream = Stream(Brokers(f"127.0.0.1:{proxy.port}", "embedded"), store, names, connection=tls)
        try:
            process = stream.start(**{f"kafka__{name}": value for name, value in tls.items()})
            stream.wait_for_topics()
            stream.send(texts(60))
            results, letters = stream.until_answered(60)
            code, _ = stream.stop(process)
        finally:
            stream.close()

        assert 0 == code
        assert (60, 0) == (len(results), len(letters))
        assert broker.is_running
    assert proxy.handshakes > 3


@pytest.mark.usefixtures("impatient")
def test_a_certificate_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    proxy = TlsProxy(Authority(tmp_path, "stranger").issue())

    with tls_broker(proxy), pytest.raises(BrokerUnavailable, match=r"not signed by kafka\.ssl_cafile"):
        connect(proxy, ssl_cafile=authority.cafile)


@pytest.mark.usefixtures("impatient")
def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    proxy = TlsProxy(authority.issue("other.example.org"))

    with tls_broker(proxy), pytest.raises(BrokerUnavailable, match="certificate is for another name"):
        connect(proxy, ssl_cafile=authority.cafile)


@pytest.mark.usefixtures("impatient")
def test_a_missing_client_certificate_is_named(authority: Authority) -> None:
    proxy = TlsProxy(authority.issue(), clients_of=authority)

    with (
        tls_broker(proxy),
        pytest.raises(BrokerUnavailable, match=NAMES_THE_CERTIFICATE),
    ):
        connect(proxy, ssl_cafile=authority.cafile)


@pytest.mark.usefixtures("impatient")
def test_a_client_certificate_of_a_stranger_is_refused(authority: Authority, tmp_path: Path) -> None:
    client = Authority(tmp_path, "stranger").issue("worker")
    proxy = TlsProxy(authority.issue(), clients_of=authority)

    with (
        tls_broker(proxy),
        pytest.raises(BrokerUnavailable, match=NAMES_THE_CERTIFICATE),
    ):
        connect(proxy, ssl_cafile=authority.cafile, ssl_certfile=client.certfile, ssl_keyfile=client.keyfile)


@pytest.mark.usefixtures("impatient")
def test_tls_to_a_broker_without_it_is_named(broker: str, authority: Authority) -> None:
    settings = KafkaSettings(bootstrap_servers=(broker,), security_protocol="SSL", ssl_cafile=authority.cafile)

    with pytest.raises(
        BrokerUnavailable, match="does not speak TLS"
    ):  # it says nothing at all: the handshake's own limit
        prepare_topics(settings, OutputSettings(), DeliverySettings())


@pytest.mark.alone
def test_a_refusal_takes_no_longer_than_the_patience_with_a_starting_broker(
    authority: Authority, tmp_path: Path
) -> None:
    proxy = TlsProxy(Authority(tmp_path, "stranger").issue())

    with tls_broker(proxy):
        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            connect(proxy, ssl_cafile=authority.cafile)

    assert time.monotonic() - began < options.BOOTSTRAP_TIMEOUT_MS / 1000 + 3
