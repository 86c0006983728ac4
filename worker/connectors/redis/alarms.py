"""Alarms of campaigns in Redis or Valkey: one worker's lease, its state with the outbox, and notes on campaigns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from textsieve.worker.campaigns.leaders import TTL_SECONDS
from textsieve.worker.campaigns.notes import SAMPLES, CampaignNotes, Notes
from textsieve.worker.connectors.redis.client import Client, translated

# KEYS watch (owner, until, state), outbox. ARGV owner, now, until.
_ACQUIRE = """
local owner, until_ms = redis.call('HGET', KEYS[1], 'owner'), redis.call('HGET', KEYS[1], 'until')
if owner and owner ~= ARGV[1] and tonumber(ARGV[2]) < tonumber(until_ms) then return false end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', ARGV[3])
return redis.call('HGET', KEYS[1], 'state') or ''
"""

# ARGV owner, state, then alarms.
_SAVE = """
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
for i = 3, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
return 1
"""

# ARGV owner, how many alarms.
_PUBLISHED = """
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('LTRIM', KEYS[2], ARGV[2], -1) end
return 1
"""

# KEYS senders and samples of a campaign. ARGV how many senders, these, then samples.
_NOTE = f"""
local last = 1 + tonumber(ARGV[1])
for i = 2, last do redis.call('PFADD', KEYS[1], ARGV[i]) end
for i = last + 1, #ARGV do
  local held, known = redis.call('LRANGE', KEYS[2], 0, -1), false
  for _, sample in ipairs(held) do known = known or sample == ARGV[i] end
  if #held < {SAMPLES} and not known then redis.call('RPUSH', KEYS[2], ARGV[i]) end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, {TTL_SECONDS}) end
return 1
"""


@dataclass(frozen=True, slots=True)
class RedisAlarmStore:
    """AlarmStore and NoteStore over core commands; all keys of a space share a hash tag."""

    client: Client
    name: str

    @property
    def keys(self) -> list[str]:
        """Of lease, state and outbox."""
        return [f"textsieve:{{{self.name}}}:alarms:{name}" for name in ("watch", "outbox")]

    def note_keys(self, campaign: str) -> list[str]:
        """Of the notes on a campaign."""
        return [f"textsieve:{{{self.name}}}:campaigns:{name}:{campaign}" for name in ("senders", "samples")]

    def acquire(self, owner: str, *, now_ms: int, lease_ms: int) -> bytes | None:
        """See AlarmStore."""
        found = self._run(_ACQUIRE, self.keys, [owner, str(now_ms), str(now_ms + lease_ms)])
        return cast("bytes | None", found)

    def save(self, owner: str, state: bytes, alarms: Sequence[bytes]) -> bool:
        """See AlarmStore."""
        return bool(self._run(_SAVE, self.keys, [owner, state, *alarms]))

    def outbox(self) -> Sequence[bytes]:
        """See AlarmStore."""
        with translated():
            return cast("list[bytes]", self.client.lrange(self.keys[1], 0, -1))

    def published(self, owner: str, alarms: int) -> None:
        """See AlarmStore."""
        self._run(_PUBLISHED, self.keys, [owner, str(alarms)])

    def note(self, notes: Mapping[str, Notes]) -> None:
        """See NoteStore."""
        for campaign, new in notes.items():
            arguments = [str(len(new.senders)), *new.senders, *new.samples]
            self._run(_NOTE, self.note_keys(campaign), arguments)

    def noted(self, campaign: str) -> CampaignNotes:
        """See NoteStore."""
        senders, samples = self.note_keys(campaign)
        with translated():
            texts = cast("list[bytes]", self.client.lrange(samples, 0, -1))
            distinct = cast("int", self.client.pfcount(senders))
        return CampaignNotes(distinct, tuple(text.decode("utf-8", "replace") for text in texts))

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        with translated():
            return self.client.register_script(script)(keys=keys, args=arguments)
