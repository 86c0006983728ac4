"""What a failed poll says about positions: which are missing, and whose log is another one."""

from collections.abc import Sequence
from typing import Any

from kafka.errors import LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError


def error_name(error: BaseException) -> str:
    """What went wrong with a record; libraries may quote what they could not read, so only the kind of error."""
    return type(error.__cause__ or error).__name__


def missing_positions(error: BaseException) -> set[Any] | None:
    """Partitions without a valid position, if that is what a poll complained about."""
    cause = error.__cause__
    if isinstance(cause, (NoOffsetForPartitionError, LogTruncationError)):
        return set()
    if isinstance(cause, OffsetOutOfRangeError):
        offsets: Sequence[Any] = cause.args
        return {tp for arg in offsets if isinstance(arg, dict) for tp in arg}
    return None


def truncations(error: BaseException) -> dict[Any, int]:
    """Partitions whose log is not the one that was read, and from where on; 0 where the broker does not know."""
    cause = error.__cause__
    if not isinstance(cause, LogTruncationError):
        return {}
    return {tp: 0 if found is None else found.offset for tp, found in cause.divergent_offsets.items()}
