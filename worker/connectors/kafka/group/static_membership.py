"""Two workers with one `kafka.group_instance_id`: the group keeps the newer, and the older must end."""

from dataclasses import dataclass
from typing import Any, NoReturn

from kafka.structs import MemberState

from textsieve.worker.errors import ConfigurationError

SILENT_POLLS = 2  # in a row: a member that has just joined may not have begun to send heartbeats


def raise_fenced(doing: str, error: BaseException | None = None) -> NoReturn:
    """End a worker whose place another has taken: to join again would only throw the other out.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError(
        f"{doing}: another worker has joined the group with this kafka.group_instance_id, and has its partitions now."
        " Give each worker a name of its own"
    ) from error


@dataclass(slots=True)
class FencedMemberWatch:
    """Notices that the group has fenced this member; the library logs it, stops its heartbeats and goes on reading."""

    instance_id: str | None
    _silent: int = 0

    def check(self, consumer: Any) -> None:
        """See after each poll whether this member still lives.

        Raises:
            ConfigurationError: another one has its name.
        """
        if self.instance_id is None:
            return
        coordinator = consumer._coordinator  # noqa: SLF001  # nothing else tells
        is_silent = coordinator.state is MemberState.STABLE and not coordinator._heartbeat_enabled  # noqa: SLF001
        self._silent = self._silent + 1 if is_silent else 0
        if self._silent >= SILENT_POLLS:
            raise_fenced("polling")
