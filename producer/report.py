"""What came of a run, for people and for machines."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Report:
    """The account of one run: `sent == acked + failed`.

    `sent` counts what was handed to Kafka, `acked` what all in-sync replicas have, `failed` what was refused
    or not acked in time (and may have landed all the same). `fault` says why sending ended early.
    """

    topic: str
    sent: int = 0
    acked: int = 0
    failed: int = 0
    seconds: float = 0.0
    bad_rows: int = 0
    interrupted: bool = False
    fault: str | None = None
    would_send: int | None = None  # messages of a dry run, in which nothing is sent

    @property
    def messages_per_second(self) -> float:
        """Acked messages over the whole time, acks included."""
        return self.acked / self.seconds if self.seconds > 0 else 0.0

    @property
    def exit_code(self) -> int:
        """0 if every row was good and every message acked, else 1."""
        return int(bool(self.failed or self.bad_rows or self.fault))


def to_json(report: Report) -> str:
    """One line with the fields of the report and its rate."""
    fields = msgspec.to_builtins(report)
    fields["seconds"] = round(report.seconds, 3)
    fields["messages_per_second"] = round(report.messages_per_second, 1)
    return msgspec.json.encode(fields).decode()


def to_text(report: Report) -> str:
    """One sentence for people."""
    if report.would_send is not None:
        count = f"{report.would_send} {'message' if report.would_send == 1 else 'messages'}"
        stopped = ", interrupted" if report.interrupted else ""
        return f"{report.topic}: {count} would be sent, {report.bad_rows} bad rows{stopped}; --dry-run sends nothing"
    parts = [
        f"{report.topic}: {report.sent} sent",
        f"{report.acked} acked",
        f"{report.failed} failed",
        f"{report.bad_rows} bad rows",
        f"{report.seconds:.1f} s",
        f"{report.messages_per_second:.0f} messages/s",
    ]
    if report.interrupted:
        parts.append("interrupted")
    return ", ".join(parts)
