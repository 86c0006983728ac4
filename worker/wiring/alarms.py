"""Campaigns put together from the settings: the stage that finds them, and the thread that tells of their bursts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.campaigns.telling import AlarmTeller
from textsieve.worker.connectors import redis as store
from textsieve.worker.connectors.kafka.producer.alarms import AlarmPublisher
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory
from textsieve.worker.errors import TextsieveError
from textsieve.worker.redaction import Redactor
from textsieve.worker.settings import Settings
from textsieve.worker.stages.campaign import FindCampaign
from textsieve.worker.wiring.process import now_ms

ASK_SECONDS = 0.5  # for the store to answer the stage, which asks once: labels must not wait for it
LOOK_SECONDS = 1.0  # between two looks at the counts
PUBLISH_SECONDS = 10.0  # for the broker to take alarms: less than the lease, or another worker publishes them too
LEAVE_SECONDS = 2.0  # for the thread to end


def find_campaign(settings: Settings) -> FindCampaign | None:
    """The stage, where `campaigns.enabled` asks for it."""
    if not settings.campaigns.enabled:
        return None
    leaders = store.RedisLeaderStore(
        store.connect(settings.redis, timeout_seconds=ASK_SECONDS, retries=0), settings.clusters.space
    )
    return FindCampaign(CampaignDetector(leaders, now_ms=now_ms))


@contextmanager
def telling_alarms(
    settings: Settings, stage: FindCampaign | None, *, worker: str, log: structlog.stdlib.BoundLogger
) -> Iterator[None]:
    """Tell alarms while this goes on; nothing where there is no stage.

    In a thread of its own, with connections of its own: a look takes as many round trips as there are open buckets, and
    labels must not wait for them.
    """
    if stage is None:
        yield
        return
    client = store.connect(settings.redis)
    publisher = AlarmPublisher(
        ProducerFactory(settings.kafka, settings.output, PUBLISH_SECONDS), create_topic=settings.delivery.create_topics
    )
    teller = AlarmTeller(
        store.RedisCounterStore(client, settings.clusters.space),
        store.RedisAlarmStore(client, settings.clusters.space),
        stage.sightings,
        redactor=Redactor.of(regions=settings.redact.regions),
        publish=publisher.publish,
        owner=worker,
        now_ms=lambda: int(time.monotonic() * 1000),  # for how long a partition is quiet; all else goes by the store's
    )
    stop = threading.Event()
    told_by = log.bind(worker=worker)
    thread = threading.Thread(
        target=keep_telling, args=(teller.turn, publisher.close, stop, told_by), name="alarms", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEAVE_SECONDS)


def keep_telling(
    turn: Callable[[], int],
    close: Callable[[], None],
    stop: threading.Event,
    log: structlog.stdlib.BoundLogger,
    *,
    seconds: float = LOOK_SECONDS,
) -> None:
    """Turn after turn until `stop`, whatever fails; one line for each change of state.

    Args:
        turn: tells what there is to tell, and returns how many alarms that were.
        close: lets go of what turns use; here, since no other thread may while a turn goes on.
        stop: ends it after the turn.
        log: of this worker.
        seconds: between two turns.
    """
    failing: type[Exception] | None = None
    try:
        while not stop.wait(seconds):
            try:
                told = turn()
            except Exception as error:  # nobody else would notice that no alarm is told any more
                if failing is not type(error):
                    log.warning("alarms wait", error=str(error), exc_info=not isinstance(error, TextsieveError))
                failing = type(error)
            else:
                if failing is not None:
                    log.info("alarms go on")
                failing = None
                if told:
                    log.info("alarms told", alarms=told)
    finally:
        close()
