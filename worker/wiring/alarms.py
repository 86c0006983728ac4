"""Campaigns put together from the settings: the stage that finds them, and the thread that tells of their bursts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.campaigns.telling import AlarmTeller
from textsieve.worker.connectors import redis as store
from textsieve.worker.connectors.kafka.producer.alarms import AlarmPublisher
from textsieve.worker.connectors.kafka.producer.sending import ProducerFactory
from textsieve.worker.errors import ServiceError, TextsieveError
from textsieve.worker.redaction import Redactor
from textsieve.worker.settings import Settings
from textsieve.worker.stages.campaign import FindCampaign
from textsieve.worker.wiring.process import now_ms

ASK_SECONDS = 0.5  # for the store to answer the stage, which asks once: labels must not wait for it
LOOK_SECONDS = 1.0  # between two looks at the counts
PUBLISH_SECONDS = 30.0  # for the broker to take alarms
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
        now_ms=now_ms,
    )
    stop = threading.Event()
    thread = threading.Thread(target=_tell, args=(teller, stop, log), name="alarms", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEAVE_SECONDS)
        publisher.close()


def _tell(teller: AlarmTeller, stop: threading.Event, log: structlog.stdlib.BoundLogger) -> None:
    """Turn after turn, whatever is away; one warning for each change of state."""
    failing = False
    while not stop.wait(LOOK_SECONDS):
        try:
            told = teller.turn()
        except TextsieveError as error:
            if not failing:
                log.warning("alarms wait", error=str(error), retried=isinstance(error, ServiceError))
            failing = True
        else:
            failing = False
            if told:
                log.info("alarms told", alarms=told)
