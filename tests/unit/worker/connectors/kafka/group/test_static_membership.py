"""The older of two workers with one name ends."""

from types import SimpleNamespace

import pytest
from kafka.errors import FencedInstanceIdError
from kafka.structs import MemberState

from textsieve.worker.connectors.kafka.client.options import translated
from textsieve.worker.connectors.kafka.group.static_membership import SILENT_POLLS, FencedMemberWatch
from textsieve.worker.errors import ConfigurationError


def consumer(*, state: MemberState = MemberState.STABLE, beats: bool) -> SimpleNamespace:
    return SimpleNamespace(_coordinator=SimpleNamespace(state=state, _heartbeat_enabled=beats))


def test_a_member_that_the_group_keeps_but_whose_heartbeats_were_stopped_is_fenced() -> None:
    watch = FencedMemberWatch("worker-1")
    for _ in range(SILENT_POLLS - 1):
        watch.check(consumer(beats=False))

    with pytest.raises(ConfigurationError, match=r"kafka\.group_instance_id"):
        watch.check(consumer(beats=False))


@pytest.mark.parametrize("alive", [consumer(beats=True), consumer(state=MemberState.REBALANCING, beats=False)])
def test_a_heartbeat_or_a_rebalance_in_between_is_a_sign_of_life(alive: SimpleNamespace) -> None:
    watch = FencedMemberWatch("worker-1")

    for _ in range(3 * SILENT_POLLS):
        watch.check(consumer(beats=False))
        watch.check(alive)


def test_a_member_without_an_instance_id_is_never_fenced() -> None:
    for _ in range(3 * SILENT_POLLS):
        FencedMemberWatch(None).check(consumer(beats=False))


def test_whoever_is_refused_for_its_name_does_not_join_again() -> None:
    with (
        pytest.raises(ConfigurationError, match=r"fencing: another worker(.|\n)*kafka\.group_instance_id"),
        translated("fencing"),
    ):
        raise FencedInstanceIdError
