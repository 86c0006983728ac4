"""The whole of textsieve in one command: feeds real workers, then checks from outside what became of every message."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from textsieve.embedded.comparison import Comparison, compare
from textsieve.embedded.errors import DemoFailed
from textsieve.embedded.feeding import Feed
from textsieve.embedded.live import live_view
from textsieve.embedded.narration import Narrator
from textsieve.embedded.plan import Plan, left_settings, producer_arguments, worker_settings
from textsieve.embedded.progress import Progress
from textsieve.embedded.reading import Reader, read_topics
from textsieve.embedded.services import Services
from textsieve.embedded.space import delete_space, read_space
from textsieve.embedded.summary import Evidence, Summary, faults, reasons, shares, summarise
from textsieve.embedded.topics import Names, create_topics, delete_topics
from textsieve.embedded.watching import Watch
from textsieve.embedded.workers import Crew

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


def run(services: Services, plan: Plan, *, directory: Path, narrator: Narrator) -> Outcome:
    """Run it from the first topic to the summary.

    Args:
        services: Running; the demo makes topics and a cluster space of its own there.
        plan: What to do.
        directory: For the logs of workers and producer.
        narrator: Tells what happens.

    Raises:
        DemoFailed: The workers did not come up, or broker or store do not answer: there is nothing to summarise.
    """
    names = Names.unique()
    narrator.say(f"broker {services.bootstrap_servers} and store {services.redis_url} answer")
    with _topics(services, plan, names, narrator.console):
        narrator.say(f"topics {', '.join(names.topics)}; cluster space {names.space}")
        streamed = _stream(services, plan, names, directory=directory, narrator=narrator)
        narrator.say("workers stopped; reading every topic again, to count from outside")
        evidence = gather(services, names, started_ms=narrator.started_ms)
    if plan.keep:
        narrator.say(f"left to look at: topics {', '.join(names.topics)}, cluster space {names.space}")
    summary = summarise(evidence)
    return Outcome(
        summary=summary,
        faults=[*streamed.complaints, *faults(summary, expected=streamed.acked)],
        progress=streamed.progress,
        workers=shares(evidence.results),
        reasons=reasons(evidence.dead_letters),
        comparison=compare(evidence.results, label_column=plan.material.label_column),
        left=left_settings(services, plan, names) if plan.keep else None,
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


def _stream(services: Services, plan: Plan, names: Names, *, directory: Path, narrator: Narrator) -> _Streamed:
    """Start the workers, feed them, watch until all is done, and stop them."""
    with ExitStack() as resources:
        settings = worker_settings(services, plan, names)
        crew = resources.enter_context(Crew(plan.workers, plan.command, settings, directory=directory))
        resources.push(narrator.answer_interruption)
        with narrator.waiting("waiting for the workers"):
            crew.await_partitions(plan.partitions, timeout_seconds=READY_SECONDS, tell=narrator.say)
        narrator.say(
            f"{plan.workers} {'worker owns' if plan.workers == 1 else 'workers own'} {plan.partitions} partitions;"
            f" sending {plan.messages} messages"
        )
        feed = resources.enter_context(Feed.start(producer_arguments(services, plan, names), directory=directory))
        watch = Watch(
            progress=Progress(names, time.monotonic),
            crew=crew,
            feed=feed,
            reader=resources.enter_context(Reader(services.bootstrap_servers, names.topics)),
            learned=lambda: read_space(services.redis_url, names.space).learned,
            check_services=services.check,
            show=resources.enter_context(live_view(narrator.console)),
        )
        complaints = watch.until_done(deadline_seconds=plan.deadline_seconds)
        if not crew.ended():
            complaints += crew.stop()
    account = feed.account()
    if account is not None and account.bad_rows:
        narrator.say(f"{account.bad_rows} rows of the file became no messages, as was said above")
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
