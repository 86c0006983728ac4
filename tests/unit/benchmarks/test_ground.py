"""Which events can happen where."""

import pytest

from benchmarks.chaos.ground import Ground
from benchmarks.chaos.kinds import CATALOGUE
from benchmarks.chaos.schedule import plan


def possible(ground: Ground) -> list:
    return [kind for kind in CATALOGUE if kind.is_possible(ground)]


@pytest.mark.parametrize(
    ("ground", "guarantee"),
    [
        (Ground(), "at_least_once"),
        (Ground(nodes=3), "exactly_once"),
        (Ground(nodes=1), "exactly_once"),
        (Ground(bootstrap_servers="kafka:9092"), "exactly_once"),
        (Ground(bootstrap_servers="kafka:9092", preset="embedded"), "at_least_once"),
        (Ground(nodes=3, guarantee="at_least_once"), "at_least_once"),
    ],
)
def test_the_guarantee_is_that_of_the_preset_unless_one_is_named(ground, guarantee):
    assert guarantee == ground.guarantee_in_force


@pytest.mark.parametrize("ground", [Ground(), Ground(nodes=3), Ground(nodes=3, guarantee="at_least_once")])
def test_a_run_strikes_only_where_workers_come_by(ground):
    assert {None, ground.guarantee_in_force} >= {kind.guarantee for kind in possible(ground)}


def test_with_transactions_no_repeat_is_forgiven():
    streams = plan(200, seed=1, kinds=possible(Ground(nodes=3)))

    assert not any(stream.is_apart for stream in streams)


def test_brokers_are_struck_where_three_are_ours():
    assert not any(kind.needs == "cluster" for kind in possible(Ground(nodes=1)))
    assert any(kind.needs == "cluster" for kind in possible(Ground(nodes=3)))


def test_a_users_services_are_not_struck_and_that_is_said():
    ground = Ground(bootstrap_servers="kafka:9092", redis_url="rediss://store:6379/0")

    assert {None} == {kind.needs for kind in possible(ground)}
    assert {"broker-line", "cluster", "own-store", "store-line"} == {
        kind.needs for kind in CATALOGUE if kind.concerns(ground) and not kind.is_possible(ground)
    }


def test_nothing_is_said_of_what_is_not_there():
    assert not any(kind.needs == "cluster" for kind in CATALOGUE if kind.concerns(Ground()))
