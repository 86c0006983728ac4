"""Which events can happen where."""

import pytest

from benchmarks.chaos.deployment import Deployment
from benchmarks.chaos.faults import CATALOGUE
from benchmarks.chaos.schedule import plan


def possible(deployment: Deployment) -> list:
    return [fault for fault in CATALOGUE if fault.is_possible(deployment)]


@pytest.mark.parametrize(
    ("deployment", "guarantee"),
    [
        (Deployment(), "at_least_once"),
        (Deployment(nodes=3), "exactly_once"),
        (Deployment(nodes=1), "exactly_once"),
        (Deployment(bootstrap_servers="kafka:9092"), "exactly_once"),
        (Deployment(bootstrap_servers="kafka:9092", preset="embedded"), "at_least_once"),
        (Deployment(nodes=3, guarantee="at_least_once"), "at_least_once"),
    ],
)
def test_the_guarantee_is_that_of_the_preset_unless_one_is_named(deployment, guarantee):
    assert guarantee == deployment.guarantee_in_force


@pytest.mark.parametrize(
    "deployment", [Deployment(), Deployment(nodes=3), Deployment(nodes=3, guarantee="at_least_once")]
)
def test_only_moments_of_the_guarantee_are_possible(deployment):
    assert {None, deployment.guarantee_in_force} >= {fault.guarantee for fault in possible(deployment)}


def test_with_transactions_no_repeat_is_forgiven():
    streams = plan(200, seed=1, faults=possible(Deployment(nodes=3)))

    assert not any(stream.is_apart for stream in streams)


def test_faults_of_brokers_need_three_of_ours():
    assert not any(fault.needs == "cluster" for fault in possible(Deployment(nodes=1)))
    assert any(fault.needs == "cluster" for fault in possible(Deployment(nodes=3)))


def test_a_users_services_get_no_faults_and_that_is_said():
    deployment = Deployment(bootstrap_servers="kafka:9092", redis_url="rediss://store:6379/0")

    assert {None} == {fault.needs for fault in possible(deployment)}
    assert {"broker-line", "cluster", "own-store", "store-line"} == {
        fault.needs for fault in CATALOGUE if fault.concerns(deployment) and not fault.is_possible(deployment)
    }


def test_nothing_is_said_of_what_is_not_there():
    assert not any(fault.needs == "cluster" for fault in CATALOGUE if fault.concerns(Deployment()))
