"""quix-streams around the script's functions: a batching sink, written and committed every 500 messages."""

import json
from typing import Any

from confluent_kafka import Producer
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from benchmarks.speed.rivals.functions import Functions
from benchmarks.speed.rivals.options import POLL, RivalOptions, parse_options

FLUSH_SECONDS = 60.0
COMMIT_SECONDS = 60.0  # the count decides


class LabelSink(BatchingSink):
    """Labels a batch and produces it; quix-streams commits when `write` has returned."""

    def __init__(self, told: RivalOptions) -> None:
        super().__init__()
        self._functions = Functions(told)
        self._output = told.output
        self._producer = Producer({"bootstrap.servers": told.bootstrap, "acks": "all", "enable.idempotence": True})

    def write(self, batch: SinkBatch) -> None:
        """See BatchingSink."""
        texts = [json.loads(item.value)["text"] for item in batch]
        for value in self._functions.label(texts):
            self._producer.produce(self._output, value, partition=batch.partition)
        if self._producer.flush(FLUSH_SECONDS):
            raise RuntimeError("the broker did not ack a batch in time")


def main() -> None:
    """Label the topic until SIGTERM."""
    told = parse_options()
    application = Application(
        broker_address=told.bootstrap,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_every=POLL,
        commit_interval=COMMIT_SECONDS,
        use_changelog_topics=False,
        consumer_extra_config=_settings(),
    )
    topic = application.topic(told.input, value_deserializer="bytes", key_deserializer="bytes")
    application.dataframe(topic).sink(LabelSink(told))
    application.run()


def _settings() -> dict[str, Any]:
    return {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_500}


if __name__ == "__main__":
    main()
