"""What a demo does, and what it tells the processes it starts."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from textsieve.embedded.demo.message_source import MessageSource
from textsieve.embedded.services import Services
from textsieve.embedded.topics import Names
from textsieve.modules import module_command

CLUSTERS = 12  # few enough to look at
SEED_MESSAGES = 100  # clusters exist early in a short stream
SEED_AFTER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """What the demo does.

    Attributes:
        source: what to send.
        messages: how many that will be.
        rate: messages per second to send; as fast as possible if None.
        workers: processes to start.
        partitions: of every topic.
        command: program and arguments that start a worker.
        settings: `section.option=value` for every worker, after the demo's own.
        deadline_seconds: for sending and labelling everything.
        keep: leave the topics and the cluster space for looking around.
    """

    source: MessageSource
    messages: int
    rate: float | None = None
    workers: int = 2
    partitions: int = 4
    command: Sequence[str] = field(default_factory=lambda: (*module_command("textsieve.worker"), "run"))
    settings: Sequence[str] = ()
    deadline_seconds: float = 1800.0
    keep: bool = False


def worker_settings(services: Services, config: DemoConfig, names: Names) -> list[str]:
    """`section.option=value` for every worker."""
    clusters = _cluster_count(config)
    threads = max(1, (os.cpu_count() or 1) // config.workers)
    return [
        f"kafka.bootstrap_servers={services.bootstrap_servers}",
        f"kafka.preset={services.preset}",
        f"kafka.input_topics={names.messages}",
        f"kafka.output_topic={names.labels}",
        f"kafka.dead_letter_topic={names.dead_letters}",
        f"kafka.group_id={names.group}",
        f"redis.url={services.redis_url}",
        f"clusters.space={names.space}",
        f"clusters.k={clusters}",
        f"clusters.seed_messages={max(clusters, min(SEED_MESSAGES, config.messages // 4))}",
        f"clusters.seed_after_seconds={SEED_AFTER_SECONDS}",
        f"model.threads={threads}",
        *config.settings,
    ]


def _cluster_count(config: DemoConfig) -> int:
    return max(2, min(CLUSTERS, config.messages // 4))


def producer_arguments(services: Services, config: DemoConfig, names: Names) -> list[str]:
    """What the producer is told."""
    where = ["--bootstrap-servers", services.bootstrap_servers, "--topic", names.messages]
    pace = [] if config.rate is None else ["--rate", str(config.rate)]
    return [*config.source.arguments(), *where, "--limit", str(config.messages), *pace]


def left_settings(services: Services, config: DemoConfig, names: Names) -> dict[str, str]:
    """Environment variables by which other commands find what the demo leaves."""
    return {
        **services.settings,
        "TEXTSIEVE_KAFKA__INPUT_TOPICS": names.messages,
        "TEXTSIEVE_KAFKA__OUTPUT_TOPIC": names.labels,
        "TEXTSIEVE_KAFKA__DEAD_LETTER_TOPIC": names.dead_letters,
        "TEXTSIEVE_KAFKA__GROUP_ID": names.group,
        "TEXTSIEVE_CLUSTERS__SPACE": names.space,
        "TEXTSIEVE_CLUSTERS__K": str(_cluster_count(config)),
    }
