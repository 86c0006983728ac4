"""Alarms on their way out, as far as no broker is needed."""

from textsieve.worker.connectors.kafka.producer.alarms import alarm_key


def test_an_alarm_goes_out_under_its_id_and_a_damaged_one_not_at_all() -> None:
    assert [b"a1-7", None, None] == [alarm_key(alarm) for alarm in (b'{"id": "a1-7", "size": 3}', b"{", b'{"size": 3}')]
