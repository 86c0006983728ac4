"""The whole of textsieve in one command: feeds real workers, then checks from outside what became of every message."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from textsieve.embedded.cluster_space import delete_space, read_space
from textsieve.embedded.demo.comparison import Comparison, compare
from textsieve.embedded.demo.config import DemoConfig, left_settings, producer_arguments, worker_settings
from textsieve.embedded.demo.console_log import ConsoleLog
from textsieve.embedded.demo.live import live_view
from textsieve.embedded.demo.monitor import Monitor
from textsieve.embedded.demo.producer_process import ProducerProcess
from textsieve.embedded.demo.progress import Progress
from textsieve.embedded.demo.summary import Evidence, Summary, faults, reasons, shares, summarise
from textsieve.embedded.demo.workers import Workers
from textsieve.embedded.errors import DemoFailed
from textsieve.embedded.reading import Reader, read_topics
from textsieve.embedded.services import Services
from textsieve.embedded.topics import Names, create_topics, delete_topics

READY_SECONDS = 90.0  # loading the model on a busy machine, and joining the group
READ_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a demo came to."""

    summary: Summary
    faults: Sequence[str]  # empty if all is well
    progress: Progress  # as the live view had it at the end
    workers: dict[str, int]  # results by worker
    reasons: dict[str, int]  # dead letters by reason
    comparison: Comparison | None  # with the labels in the user's file
    left: dict[str, str] | None = None  # environment variables for what was kept to look at; None if nothing was


def run(services: Services, config: DemoConfig, *, directory: Path, log: ConsoleLog) -> Outcome:
    """Run it from the first topic to the summary.

    Args:
        services: Running; the demo makes topics and a cluster space of its own there.
        config: What to do.
        directory: For the logs of workers and producer.
        log: Tells what happens.

    Raises:
        DemoFailed: The workers did not come up, or broker or store do not answer: there is nothing to summarise.
    """
    names = Names.unique()
    log.say(f"broker {services.bootstrap_servers} and store {services.redis_url} answer")
    with _topics(services, config, names, log.console):
        log.say(f"topics {', '.join(names.topics)}; cluster space {names.space}")
        streamed = _stream(services, config, names, directory=directory, log=log)
        log.say("workers stopped; reading every topic again, to count from outside")
        evidence = gather(services, names, started_ms=log.started_ms)
    if config.keep:
        log.say(f"left to look at: topics {', '.join(names.topics)}, cluster space {names.space}")
    summary = summarise(evidence)
    return Outcome(
        summary=summary,
        faults=[*streamed.failures, *faults(summary, expected=streamed.acked)],
        progress=streamed.progress,
        workers=shares(evidence.results),
        reasons=reasons(evidence.dead_letters),
        comparison=compare(evidence.results, label_column=config.source.label_column),
        left=left_settings(services, config, names) if config.keep else None,
    )


def gather(services: Services, names: Names, *, started_ms: int) -> Evidence:
    """Read the three topics and the cluster space from the start, whatever anybody said about them.

    Raises:
        DemoFailed: Broker or store do not answer.
    """
    records = read_topics(services.bootstrap_servers, names.topics, timeout_seconds=READ_SECONDS)
    return Evidence(
        inputs=[record for record in records if record.topic == names.messages],
        results=[record for record in records if record.topic == names.labels],
        dead_letters=[record for record in records if record.topic == names.dead_letters],
        space=read_space(services.redis_url, names.space),
        started_ms=started_ms,
    )


@dataclass(frozen=True, slots=True)
class _Streamed:
    """What the live part of a demo came to."""

    progress: Progress
    failures: list[str]
    acked: int | None  # messages that the producer says the broker has; None if it said nothing


def _stream(services: Services, config: DemoConfig, names: Names, *, directory: Path, log: ConsoleLog) -> _Streamed:
    """Start the workers, feed them, watch until all is done, and stop them."""
    with ExitStack() as resources:
        settings = worker_settings(services, config, names)
        workers = resources.enter_context(Workers(config.workers, config.command, settings, directory=directory))
        resources.push(log.answer_interruption)
        with log.waiting("waiting for the workers"):
            workers.await_partitions(config.partitions, timeout_seconds=READY_SECONDS, tell=log.say)
        log.say(
            f"{config.workers} {'worker owns' if config.workers == 1 else 'workers own'} {config.partitions}"
            f" partitions; sending {config.messages} messages"
        )
        producer = resources.enter_context(
            ProducerProcess.start(producer_arguments(services, config, names), directory=directory)
        )
        monitor = Monitor(
            progress=Progress(names, time.monotonic),
            workers=workers,
            producer=producer,
            reader=resources.enter_context(Reader(services.bootstrap_servers, names.topics)),
            learned=lambda: read_space(services.redis_url, names.space).learned,
            check_services=services.check,
            show=resources.enter_context(live_view(log.console)),
        )
        failures = monitor.until_done(deadline_seconds=config.deadline_seconds)
        if not workers.ended():
            failures += workers.stop()
    report = producer.report()
    if report is not None and report.bad_rows:
        log.say(f"{report.bad_rows} rows of the file became no messages, as was said above")
    return _Streamed(monitor.progress, failures, None if report is None else report.acked)


@contextmanager
def _topics(services: Services, config: DemoConfig, names: Names, console: Console) -> Iterator[None]:
    """Create the topics; take everything away again where it would outlive us."""
    create_topics(services.bootstrap_servers, names, partitions=config.partitions)
    try:
        yield
    finally:
        try:
            if services.broker is None and not config.keep:
                delete_topics(services.bootstrap_servers, names)
            if services.store is None and not config.keep:
                delete_space(services.redis_url, names.space)
        except DemoFailed as error:
            console.print(f"could not tidy up: {error}", markup=False, highlight=False)
