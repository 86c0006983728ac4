"""The counters in Redis or Valkey: one hash per table, and one of marks that guards them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import cast

from textsieve.worker.connectors.redis.client import Client, translated
from textsieve.worker.connectors.redis.hashes import offset_fields, watermarks
from textsieve.worker.counting.counters import Counter, Guard
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.records import Partition, Position

# KEYS marks, then one of each table. ARGV field of the partition, expected mark ("" = none), new mark, then for each
# table its seconds to live (0 = for ever), how many fields follow, and these as field, increment, ...
_ADD = """
local held = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if held ~= ARGV[2] then return held end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local at = 4
for table = 2, #KEYS do
  local seconds, last = tonumber(ARGV[at]), at + 2 * tonumber(ARGV[at + 1])
  for i = at + 2, last, 2 do redis.call('HINCRBY', KEYS[table], ARGV[i], ARGV[i + 1]) end
  if seconds > 0 then redis.call('EXPIRE', KEYS[table], seconds) end
  at = last + 2
end
return false
"""


@dataclass(frozen=True, slots=True)
class RedisCounterStore:
    """CounterStore over core commands; all keys of a space share a hash tag, so they live in one slot of a cluster."""

    client: Client
    name: str

    @property
    def marks_key(self) -> str:
        """The hash of marks."""
        return f"textsieve:{{{self.name}}}:counted"

    def table_key(self, table: str) -> str:
        """The hash of a table's counts."""
        return f"textsieve:{{{self.name}}}:counts:{table}"

    def marks(self) -> Mapping[Partition, Position]:
        """See CounterStore.

        Raises:
            ConfigurationError: somebody else has written there.
        """
        with translated():
            fields = cast("dict[bytes, bytes]", self.client.hgetall(self.marks_key))
        return self._watermarks(fields)

    def add(
        self, partition: Partition, increments: Mapping[Counter, int], *, expected: Position | None, mark: Position
    ) -> Guard:
        """See CounterStore."""
        name, new = next(iter(offset_fields({partition: mark}).items()))
        old = "" if expected is None else offset_fields({partition: expected})[name]
        keys, arguments = [self.marks_key], [name, old, new]
        ordered = sorted(increments.items(), key=lambda item: item[0].table)
        for table, group in groupby(ordered, key=lambda item: item[0].table):
            fields = [part for (_, field), delta in group for part in (field, str(delta))]
            keys.append(self.table_key(table.name))
            arguments += [str(table.ttl_seconds), str(len(fields) // 2), *fields]
        with translated():
            held = cast("bytes | None", self.client.register_script(_ADD)(keys=keys, args=arguments))
        if held is None:
            return Guard(counted=True, mark=mark)
        return Guard(counted=False, mark=self._watermarks({name.encode(): held}).get(partition) if held else None)

    def read(self, table: str) -> Mapping[str, int]:
        """See CounterStore."""
        with translated():
            fields = cast("dict[bytes, bytes]", self.client.hgetall(self.table_key(table)))
        return {name.decode("utf-8", "replace"): int(count) for name, count in fields.items()}

    def _watermarks(self, fields: Mapping[bytes, bytes]) -> Mapping[Partition, Position]:
        try:
            return watermarks(fields)
        except ValueError as error:
            raise ConfigurationError(
                f"clusters.space {self.name!r}: expected marks as workers write them in {self.marks_key}, got damaged"
                f" ones ({type(error).__name__}). Restore the store's data, or choose another clusters.space"
            ) from error
