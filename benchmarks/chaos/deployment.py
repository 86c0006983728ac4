"""What a run takes place on: whose broker and store, and what is promised there."""

from typing import Literal

import msgspec

Guarantee = Literal["exactly_once", "at_least_once"]
Role = Literal["broker-line", "cluster", "store-line", "own-store"]


class Deployment(msgspec.Struct, frozen=True):
    """The choices of whoever starts a run.

    Attributes:
        nodes: of an Apache Kafka of our own; 0 for the embedded broker.
        bootstrap_servers, redis_url: of the user's, where it is not ours.
        preset: the worker's `kafka.preset`, where the usual one does not fit.
        guarantee: the worker's `delivery.guarantee`; that of the preset if None.
    """

    nodes: Literal[0, 1, 3] = 0
    bootstrap_servers: str | None = None
    redis_url: str | None = None
    preset: str | None = None
    guarantee: Guarantee | None = None

    @property
    def preset_in_force(self) -> str:
        """Of the workers."""
        return self.preset or ("kafka" if self.nodes or self.bootstrap_servers else "embedded")

    @property
    def guarantee_in_force(self) -> Guarantee:
        """Of the workers, whose default goes by the preset."""
        return self.guarantee or ("exactly_once" if self.preset_in_force == "kafka" else "at_least_once")

    def has(self, role: Role | None) -> bool:
        """Whether something is ours to break, or has a line before it."""
        match role:
            case "broker-line":
                return self.bootstrap_servers is None
            case "cluster":
                return self.nodes > 1
            case "own-store":
                return self.redis_url is None
            case "store-line":
                return self.redis_url is None or self.redis_url.startswith("redis://")
            case None:
                return True
