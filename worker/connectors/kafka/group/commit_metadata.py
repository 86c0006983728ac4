"""What is written beside a committed offset: whose offset it is, and what of it the clusters had learned."""

from typing import NamedTuple, Self

FIRST = "textsieve"  # begins every note of ours: somebody else may commit for the group, with metadata of his own
SEPARATOR = " "


class CommitMetadata(NamedTuple):
    """The metadata of a committed offset; brokers keep it with the offset, also within a transaction."""

    topic_id: str  # Kafka's UUID of the topic that the offset belongs to
    learned: int  # the first offset that the clusters were not known to have learned

    def __str__(self) -> str:
        return SEPARATOR.join((FIRST, self.topic_id or "-", str(self.learned)))

    @classmethod
    def read(cls, metadata: str | None) -> Self | None:
        """The note in an offset's metadata, None where there is none of ours."""
        parts = (metadata or "").split(SEPARATOR)
        if len(parts) != 3 or parts[0] != FIRST or not parts[2].isdecimal():  # noqa: PLR2004  # word, id, offset
            return None
        return cls("" if parts[1] == "-" else parts[1], int(parts[2]))
