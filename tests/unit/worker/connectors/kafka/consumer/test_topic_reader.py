"""Dead letters are read as the page of operations tells every reader to."""

import pytest
from kafka.errors import KafkaConnectionError

from textsieve.worker.connectors.kafka.consumer import topic_reader
from textsieve.worker.errors import BrokerUnavailable
from textsieve.worker.settings import KafkaSettings


@pytest.mark.parametrize(("preset", "isolation"), [("kafka", "read_committed"), ("embedded", "read_uncommitted")])
def test_what_was_aborted_is_no_dead_letter_where_the_broker_hides_it(preset, isolation, monkeypatch):
    asked = {}

    def consumer(**options):
        asked.update(options)
        raise KafkaConnectionError

    monkeypatch.setattr(topic_reader, "KafkaConsumer", consumer)

    with pytest.raises(BrokerUnavailable):
        list(topic_reader.read_to_end(KafkaSettings(preset=preset), ["dead-letters"]))

    assert isolation == asked["isolation_level"]
