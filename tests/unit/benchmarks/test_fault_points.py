"""A worker's parts behind fault points do what they did, and the page tells what the worker holds."""

from contextlib import closing

import pytest

from benchmarks.chaos.control import FaultPointControl, FaultPoints, Field
from benchmarks.chaos.fault_points import FaultPointSink, FaultPointSource
from textsieve.worker.records import Partition
from textsieve.worker.testing import MemoryLog, MemorySink, MemorySource

INPUT = Partition("messages", 0)


@pytest.fixture
def control(tmp_path):
    with closing(FaultPointControl(tmp_path / "worker-1")) as control:
        yield control


@pytest.fixture
def points(control):
    points = FaultPoints(control.directory)
    with closing(points.page):
        yield points


@pytest.fixture
def log():
    return MemoryLog.of("messages", [b"{}", b"{}"], partitions=1)


def test_what_is_read_counts_as_unfinished_until_it_is_committed(control, points, log):
    source = FaultPointSource(MemorySource(log), points)
    source.poll(max_records=10, timeout_seconds=0)  # the assignment
    source.rewind({})

    held = [source.poll(max_records=10, timeout_seconds=0) and control.page[Field.UNFINISHED]]
    source.commit({INPUT: 2})
    held.append(control.page[Field.UNFINISHED])

    assert [2, 0] == held


def test_a_worker_is_exposed_from_the_fence_to_the_last_ack(control, points, log):
    source, sink = FaultPointSource(MemorySource(log), points), FaultPointSink(MemorySink(log), points)
    source.poll(max_records=10, timeout_seconds=0)
    source.rewind({})
    sink.recover({})

    source.fence()
    exposed = [control.page[Field.EXPOSED]]
    sink.publish(results=[], dead_letters=[], progress={}, timeout_seconds=1)
    exposed.append(control.page[Field.EXPOSED])

    assert [1, 0] == exposed


def test_a_point_is_passed_unless_it_is_armed_and_there_is_something_to_lose(control, points):
    control.arm("mid_acks")

    points.hit("mid_acks")  # would stand still for ever

    assert control.reached("mid_acks") is None
