import socket

import pytest

from textsieve.embedded.errors import StartFailed
from textsieve.embedded.listening import LASTING, LOOPBACK, is_taken, lasting_ports

pytestmark = pytest.mark.enable_socket


def test_lasting_ports_are_free_different_and_below_those_of_outgoing_connections():
    ports = lasting_ports(9)

    assert 9 == len(set(ports))
    assert all(port in LASTING for port in ports)
    assert not any(is_taken(port) for port in ports)


def test_where_somebody_listens_on_each_of_them_the_start_fails(monkeypatch):
    first, second = lasting_ports(2)
    monkeypatch.setattr("textsieve.embedded.listening.LASTING", range(min(first, second), min(first, second) + 1))
    with socket.socket() as listener:
        listener.bind((LOOPBACK, min(first, second)))
        listener.listen()

        with pytest.raises(StartFailed, match="got 0"):
            lasting_ports(1)
