"""What about topics endangers the promise: one finding a fact, over plain data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textsieve.kafka_client.durability import REPLICAS
from textsieve.worker.connectors.kafka.topics import admin_commands as commands
from textsieve.worker.connectors.kafka.topics.description import INTERNAL_TOPICS, OFFSETS_RETENTION, Cluster, Topic
from textsieve.worker.settings import KafkaSettings, Risk

LEAST_RETENTION_MS = 3_600_000  # an hour: whoever reads, or we, may be away for a while
LEAST_RETENTION_BYTES = 64 * 1024 * 1024  # of a partition: some ten thousand answers
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that endangers the promise.

    Attributes:
        risk: by this name `kafka.accept_risks` accepts it.
        text: what was expected, what it got, and what may happen.
        cure: a command, or what else to do.
        is_notice: nothing but a larger cluster, or patience, helps: not worth a warning at every start.
    """

    risk: Risk
    text: str
    cure: str
    is_notice: bool = False

    def __str__(self) -> str:
        return f"{self.text} (kafka.accept_risks: {self.risk}):\n{self.cure}"


def findings(cluster: Cluster, kafka: KafkaSettings) -> list[Finding]:
    """Everything that endangers the promise and is not accepted, in the order of the weight it has."""
    rules: Sequence[Callable[[Cluster, KafkaSettings], Finding | None]] = (
        _replication,
        _min_insync_replicas,
        _unclean_leader_election,
        _compacted_input,
        _retention,
        _offsets_retention,
        _unseen,
    )
    found = [rule(cluster, kafka) for rule in rules]
    return [finding for finding in found if finding is not None and finding.risk not in kafka.accept_risks]


def _replication(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    wanted = min(REPLICAS, cluster.brokers)
    if cluster.brokers == 1:
        return Finding(
            "replication",
            f"expected {REPLICAS} brokers, got 1: while it is away nothing is labelled, what its disk loses is lost",
            "  use a cluster of three brokers for messages that matter",
            is_notice=True,
        )
    poor = [topic for topic in cluster.topics.values() if topic.replicas < wanted]
    if not poor:
        return None
    return Finding(
        "replication",
        f"expected {wanted} replicas, got {_each(poor, lambda topic: topic.replicas)}: a broker that is lost may take"
        " messages, answers or positions along",
        commands.reassign(kafka.bootstrap_servers[0]),
    )


def _min_insync_replicas(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    weak = [topic for topic in _ours(cluster) if topic.replicas > 1 and topic.number("min.insync.replicas") == 1]
    if not weak:
        return None
    return Finding(
        "min_insync_replicas",
        f"expected min.insync.replicas=2, got 1 of {_names(weak)}: what is acked may stand on one broker alone, and"
        " is lost with it",
        commands.set_configs(kafka.bootstrap_servers[0], [topic.name for topic in weak], "min.insync.replicas=2"),
        is_notice=cluster.brokers < REPLICAS,  # with two brokers 2 would stop everything while one is away
    )


def _unclean_leader_election(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    option = "unclean.leader.election.enable"
    unclean = [topic for topic in _ours(cluster) if topic.replicas > 1 and topic.configs.get(option) == "true"]
    if not unclean:
        return None
    return Finding(
        "unclean_leader_election",
        f"expected {option}=false, got true of {_names(unclean)}: a broker that lags may become leader, and what it"
        " lacks is lost",
        commands.set_configs(kafka.bootstrap_servers[0], [topic.name for topic in unclean], f"{option}=false"),
    )


def _compacted_input(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    inputs = [cluster.topics[name] for name in kafka.input_topics if name in cluster.topics]
    compacted = [topic for topic in inputs if "compact" in topic.configs.get("cleanup.policy", "")]
    if not compacted:
        return None
    return Finding(
        "compaction",
        f"expected cleanup.policy=delete, got compact of {_names(compacted)}: a message that another of the same key"
        " follows may vanish before it is read, and has no answer then",
        commands.set_configs(kafka.bootstrap_servers[0], [topic.name for topic in compacted], "cleanup.policy=delete"),
    )


def _retention(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    def is_short(topic: Topic) -> bool:
        time_ms, size = topic.number("retention.ms"), topic.number("retention.bytes")
        is_deleted = "delete" in topic.configs.get("cleanup.policy", "delete")
        return is_deleted and (
            (time_ms is not None and 0 <= time_ms < LEAST_RETENTION_MS)
            or (size is not None and 0 <= size < LEAST_RETENTION_BYTES)
        )

    short = [topic for topic in _ours(cluster) if is_short(topic)]
    if not short:
        return None
    got = "; ".join(
        f"{topic.name} retention.ms={topic.configs.get('retention.ms')}"
        f" retention.bytes={topic.configs.get('retention.bytes')}"
        for topic in short
    )
    return Finding(
        "retention",
        f"expected a retention of at least an hour and {LEAST_RETENTION_BYTES} bytes a partition, got {got}: messages"
        " may vanish before they are read, and so may answers",
        commands.set_configs(
            kafka.bootstrap_servers[0],
            [topic.name for topic in short],
            "retention.ms=604800000,retention.bytes=-1",
        ),
    )


def _offsets_retention(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    """A group whose positions are forgotten starts anew; what the input still has is then answered again."""
    if cluster.offsets_retention_minutes is None or kafka.auto_offset_reset == "latest":
        return None
    memory_ms = cluster.offsets_retention_minutes * MINUTE_MS
    inputs = [cluster.topics[name] for name in kafka.input_topics if name in cluster.topics]
    longer = [
        topic
        for topic in inputs
        if (kept := topic.number("retention.ms")) is not None and (kept < 0 or kept > memory_ms)
    ]
    if not longer:
        return None
    return Finding(
        "retention",
        f"expected {OFFSETS_RETENTION} no shorter than the retention of {_names(longer)}, got"
        f" {cluster.offsets_retention_minutes}: a group that was away for longer starts anew, and answers again what is"
        " still there",
        f"  raise {OFFSETS_RETENTION} in the brokers' server.properties, or start this group before so much time"
        " has passed",
        is_notice=True,
    )


def _unseen(cluster: Cluster, kafka: KafkaSettings) -> Finding | None:
    unseen = [topic for topic in _ours(cluster) if not topic.configs]
    if not unseen:
        return None
    return Finding(
        "unseen",
        f"expected the right to DescribeConfigs, it is not granted for {_names(unseen)}: compaction, retention,"
        " min.insync.replicas and max.message.bytes were not checked",
        "\n".join(
            commands.grant(kafka.bootstrap_servers[0], kafka.sasl_username, "DescribeConfigs", f"--topic {topic.name}")
            for topic in unseen
        ),
    )


def _ours(cluster: Cluster) -> list[Topic]:
    return [topic for name, topic in cluster.topics.items() if name not in INTERNAL_TOPICS]


def _names(topics: Iterable[Topic]) -> str:
    return ", ".join(topic.name for topic in topics)


def _each(topics: Iterable[Topic], value: Callable[[Topic], object]) -> str:
    return ", ".join(f"{topic.name} {value(topic)}" for topic in topics)
