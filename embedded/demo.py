"""The whole of textsieve in one command: feeds real workers, then checks from outside what became of every message."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from embedded.comparison import Comparison, compare
from embedded.errors import DemoFailed
from embedded.feeding import Feed
from embedded.live import live_view
from embedded.planning import Material
from embedded.progress import Progress
from embedded.reading import Reader, read_topics
from embedded.services import Services
from embedded.space import delete_space, read_space
from embedded.summary import Evidence, Summary, faults, reasons, shares, summarise
from embedded.topics import Names, create_topics, delete_topics
from embedded.watching import Watch
from embedded.workers import Crew

CLUSTERS = 12  # few enough to look at
SEED_MESSAGES = 100  # clusters exist early in a short stream
SEED_AFTER_SECONDS = 5.0
READY_SECONDS = 90.0  # loading the model on a busy machine, and joining the group
READ_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demo does.

    Attributes:
        material: what to send.
        messages: how many that will be.
        rate: messages per second to send; as fast as possible if None.
        workers: processes to start.
        partitions: of every topic.
        command: program and arguments that start a worker.
        settings: `section.option=value` for every worker, after the demo's own.
        deadline_seconds: for sending and labelling everything.
        keep: leave the topics and the cluster space for looking around.
    """

    material: Material
    messages: int
    rate: float | None = None
    workers: int = 2
    partitions: int = 4
    command: Sequence[str] = (sys.executable, "-m", "worker", "run")
    settings: Sequence[str] = ()
    deadline_seconds: float = 1800.0
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a demo came to."""

    summary: Summary
    faults: Sequence[str]  # empty if all is well
    progress: Progress  # as the live view had it at the end
    workers: dict[str, int]  # results by worker
    reasons: dict[str, int]  # dead letters by reason
    comparison: Comparison | None  # with the labels in the user's file


def run(services: Services, plan: Plan, *, directory: Path, console: Console, started_ms: int) -> Outcome:
    """Run it from the first topic to the summary.

    Args:
        services: Running; the demo makes topics and a cluster space of its own there.
        plan: What to do.
        directory: For the logs of workers and producer.
        console: For the progress.
        started_ms: Unix time at which the demo was asked for.

    Raises:
        DemoFailed: The workers did not come up, or broker or store do not answer: there is nothing to summarise.
    """
    names = Names.unique()
    _say(console, started_ms, f"on broker {services.bootstrap_servers} and store {services.redis_url}")
    with _topics(services, plan, names, console):
        streamed = _stream(services, plan, names, directory=directory, console=console, started_ms=started_ms)
        _say(console, started_ms, "workers stopped; reading every topic again")
        evidence = gather(services, names, started_ms=started_ms)
    if plan.keep:
        _say(console, started_ms, f"left to look at: topics {', '.join(names.topics)}, cluster space {names.space}")
    summary = summarise(evidence)
    return Outcome(
        summary=summary,
        faults=[*streamed.complaints, *faults(summary, expected=streamed.acked)],
        progress=streamed.progress,
        workers=shares(evidence.results),
        reasons=reasons(evidence.dead_letters),
        comparison=compare(evidence.results, label_column=plan.material.label_column),
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
    complaints: list[str]
    acked: int | None  # messages that the producer says the broker has; None if it said nothing


def _stream(
    services: Services, plan: Plan, names: Names, *, directory: Path, console: Console, started_ms: int
) -> _Streamed:
    """Start the workers, feed them, watch until all is done, and stop them."""
    with ExitStack() as resources:
        settings = _settings(services, plan, names)
        crew = resources.enter_context(Crew(plan.workers, plan.command, settings, directory=directory))
        with console.status(f"{plan.workers} workers load the model and join their group"):
            crew.await_partitions(plan.partitions, timeout_seconds=READY_SECONDS)
        _say(
            console,
            started_ms,
            f"{plan.workers} {'worker owns' if plan.workers == 1 else 'workers own'} {plan.partitions} partitions",
        )
        feed = resources.enter_context(Feed.start(_feed(services, plan, names), directory=directory))
        watch = Watch(
            progress=Progress(names, time.monotonic),
            crew=crew,
            feed=feed,
            reader=resources.enter_context(Reader(services.bootstrap_servers, names.topics)),
            learned=lambda: read_space(services.redis_url, names.space).learned,
            check_services=services.check,
            show=resources.enter_context(live_view(console)),
        )
        complaints = watch.until_done(deadline_seconds=plan.deadline_seconds)
        if not crew.ended():
            complaints += crew.stop()
    account = feed.account()
    if account is not None and account.bad_rows:
        _say(console, started_ms, f"{account.bad_rows} rows of the file were left out; --log-dir keeps what was wrong")
    return _Streamed(watch.progress, complaints, None if account is None else account.acked)


@contextmanager
def _topics(services: Services, plan: Plan, names: Names, console: Console) -> Iterator[None]:
    """Create the topics; take everything away again where it would outlive us."""
    create_topics(services.bootstrap_servers, names, partitions=plan.partitions)
    try:
        yield
    finally:
        try:
            if services.broker is None and not plan.keep:
                delete_topics(services.bootstrap_servers, names)
            if services.store is None and not plan.keep:
                delete_space(services.redis_url, names.space)
        except DemoFailed as error:
            console.print(f"could not tidy up: {error}", markup=False, highlight=False)


def _settings(services: Services, plan: Plan, names: Names) -> list[str]:
    clusters = max(2, min(CLUSTERS, plan.messages // 4))
    threads = max(1, (os.cpu_count() or 1) // plan.workers)
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
        f"clusters.seed_messages={max(clusters, min(SEED_MESSAGES, plan.messages // 4))}",
        f"clusters.seed_after_seconds={SEED_AFTER_SECONDS}",
        f"model.threads={threads}",
        *plan.settings,
    ]


def _feed(services: Services, plan: Plan, names: Names) -> list[str]:
    where = ["--bootstrap-servers", services.bootstrap_servers, "--topic", names.messages]
    pace = [] if plan.rate is None else ["--rate", str(plan.rate)]
    return [*plan.material.arguments(), *where, "--limit", str(plan.messages), *pace]


def _say(console: Console, started_ms: int, what: str) -> None:
    console.print(f"{time.time() - started_ms / 1000:6.1f} s  {what}", highlight=False)
