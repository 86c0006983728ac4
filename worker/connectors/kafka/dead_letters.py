"""Dead letters of a topic: read, and replayed to the topics they came from."""

from collections.abc import Iterator

from textsieve.worker.connectors.kafka.consumer.topic_reader import read_to_end
from textsieve.worker.connectors.kafka.producer.resending import send_back
from textsieve.worker.dead_letter_records import DeadLetterRecord, Selection, replay_ids
from textsieve.worker.errors import PublishFailed
from textsieve.worker.replays import ReplayPlan, make_plan, originals
from textsieve.worker.settings import KafkaSettings, Settings


def read_dead_letters(settings: KafkaSettings, selection: Selection) -> Iterator[DeadLetterRecord]:
    """The dead letters that are meant, partition by partition in their order.

    Raises:
        ConfigurationError: the topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    return selection.of(read_to_end(settings, [settings.dead_letter_topic]))


def plan_replay(settings: KafkaSettings, selection: Selection, *, again: bool) -> ReplayPlan:
    """What a replay would send: what is meant, can be sent, and was not sent before.

    An earlier replay is known by the replay ids it left in the input topics, which are read for them.

    Args:
        settings: where the topics are.
        selection: which dead letters are meant.
        again: do not look for earlier replays.

    Raises:
        ConfigurationError: a topic does not exist.
        BrokerUnavailable: the broker does not answer.
    """
    made = make_plan(read_dead_letters(settings, selection), inputs=settings.input_topics)
    if again or not made.topics:
        return made
    records = read_to_end(settings, made.topics)
    return made.without({replay_id for record in records for replay_id in replay_ids(record)})


def replay(settings: Settings, selection: Selection, made: ReplayPlan) -> int:
    """Carry out a plan; returns how many messages the broker has acked.

    Raises:
        PublishFailed: one of them was refused or not acked in time, and the rest was not sent.
        BrokerUnavailable: the broker does not answer; nothing was sent.
    """
    planned = originals(read_dead_letters(settings.kafka, selection), made)
    acked = 0
    try:
        for _ in send_back(settings.kafka, planned, max_message_bytes=settings.output.max_message_bytes):
            acked += 1
    except PublishFailed as error:
        raise PublishFailed(
            f"{error}; {acked} of {len(made.sendable)} were acked. Run it again: what has arrived is not sent twice"
        ) from error
    return acked
