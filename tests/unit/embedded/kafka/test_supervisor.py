from dataclasses import dataclass, field

from textsieve.embedded.kafka.supervisor import AWAY_SECONDS, Supervisor


@dataclass
class Nodes:
    """A cluster of three whose nodes end when the test says so."""

    numbers: tuple[int, ...] = (1, 2, 3)
    ended: set[int] = field(default_factory=set)
    launched: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    now: float = 0.0

    def alive(self, number):
        return number not in self.ended

    def launch(self, number):
        self.launched.append(number)
        self.ended.remove(number)

    def supervisor(self):
        return Supervisor(self, say=self.said.append, clock=lambda: self.now)


def test_nothing_is_done_while_all_run():
    nodes = Nodes()

    nodes.supervisor().restart_ended()

    assert ([], []) == (nodes.launched, nodes.said)


def test_a_node_that_ended_is_named_once_and_started_after_a_while():
    nodes = Nodes(ended={2})
    supervisor = nodes.supervisor()

    for nodes.now in (0.0, AWAY_SECONDS - 0.1):
        supervisor.restart_ended()
    before = list(nodes.launched)
    nodes.now = AWAY_SECONDS
    supervisor.restart_ended()

    assert ([], [2]) == (before, nodes.launched)
    assert ["node 2 ended; it is started again in 15 s", "node 2 starts again"] == nodes.said


def test_a_node_that_ends_a_second_time_is_away_as_long_again():
    nodes = Nodes(ended={2})
    supervisor = nodes.supervisor()
    for nodes.now in (0.0, AWAY_SECONDS, AWAY_SECONDS + 1):
        supervisor.restart_ended()

    nodes.ended.add(2)
    for nodes.now in (AWAY_SECONDS + 2, AWAY_SECONDS * 2 + 1):
        supervisor.restart_ended()

    assert [2] == nodes.launched


def test_nodes_are_waited_for_each_by_itself():
    nodes = Nodes(ended={1})
    supervisor = nodes.supervisor()
    supervisor.restart_ended()

    nodes.ended.add(3)
    for nodes.now in (5.0, AWAY_SECONDS):
        supervisor.restart_ended()

    assert [1] == nodes.launched
