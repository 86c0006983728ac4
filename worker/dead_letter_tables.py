"""Dead letters on a terminal, and as lines for other programs."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from textsieve.terminal import printable
from textsieve.worker.dead_letter_records import DeadLetterRecord
from textsieve.worker.replays import REFUSALS, ReplayPlan

TEXT_SHOWN = 200  # characters of a value in a table; a JSON line has it whole


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest dead letters, oldest first, and what they were chosen from."""

    letters: tuple[DeadLetterRecord, ...]
    reasons: Counter[str]  # of all that were meant


def newest(letters: Iterable[DeadLetterRecord], *, limit: int) -> Newest:
    """The `limit` dead letters with the latest message timestamps; memory holds no more than those."""
    reasons: Counter[str] = Counter()

    def counted() -> Iterator[DeadLetterRecord]:
        for letter in letters:
            reasons[letter.reason] += 1
            yield letter

    kept = heapq.nlargest(limit, counted(), key=lambda letter: (letter.timestamp_ms, letter.source))
    return Newest(tuple(reversed(kept)), reasons)


def dead_letter_table(found: Newest, *, show_text: bool) -> Table:
    """One row per dead letter.

    Args:
        found: what to show.
        show_text: adds the beginning of each value.
    """
    columns = ["source", "time (UTC)", "stage", "reason", "bytes", "key", "detail", *(["text"] if show_text else [])]
    table = Table(*columns, box=None, pad_edge=False)
    for letter in found.letters:
        value = [printable(_decoded(letter.record.value))[:TEXT_SHOWN]] if show_text else []
        cells = [
            letter.source,
            _time(letter.timestamp_ms),
            letter.stage,
            letter.reason,
            str(letter.size_bytes),
            _decoded(letter.record.key),
            letter.detail,
        ]
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in [*cells, *value]))
    shown, total = len(found.letters), found.reasons.total()
    mix = ", ".join(f"{reason} {count}" for reason, count in found.reasons.most_common())
    table.caption = Text(f"{shown} of {total} dead letters, the newest ({mix})" if total else "no dead letters")
    table.caption_justify = "left"
    return table


def dead_letter_json(letter: DeadLetterRecord, *, show_text: bool) -> dict[str, Any]:
    """One dead letter as a JSON object.

    Args:
        letter: what to show.
        show_text: adds `text`, the whole value.
    """
    record = letter.record
    line = {
        "source": letter.source,
        "topic_id": letter.topic_id,
        "time": _time(letter.timestamp_ms),
        "timestamp_ms": letter.timestamp_ms,
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "size_bytes": letter.size_bytes,
        "cut": letter.cut,
        "key": None if record.key is None else _decoded(record.key),
        "replayed": letter.replayed,
        "dead_letter": f"{record.topic}/{record.partition}/{record.offset}",
    }
    return line | ({"text": None if record.value is None else _decoded(record.value)} if show_text else {})


def plan_table(made: ReplayPlan) -> Table:
    """What a replay sends and what it leaves."""
    table = Table("messages", "topic", "reason", box=None, pad_edge=False)
    for (topic, reason), count in sorted(made.counts.items()):
        table.add_row(str(count), Text(printable(topic)), Text(printable(reason)))
    for refusal, count in sorted(made.refused.items()):
        table.add_row(str(count), "stays", Text(f"{refusal}: {REFUSALS[refusal]}"))
    return table


def _decoded(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _time(timestamp_ms: int) -> str:
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(sep=" ", timespec="seconds")[:19]
    except (OverflowError, OSError, ValueError):  # a sender may claim any time
        return str(timestamp_ms)
