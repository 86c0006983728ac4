"""Alarms of campaigns in Redis or Valkey: one worker's lease, its state with the outbox, and notes on campaigns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from textsieve.worker.campaigns.alarm_store import MAX_OUTBOX, OUTBOX_READ, Lease
from textsieve.worker.campaigns.notes import SAMPLES, TTL_SECONDS, CampaignNotes, Notes
from textsieve.worker.campaigns.watermark import LATENESS_MS
from textsieve.worker.connectors.redis.client import Client, translated

_CAMPAIGNS_PER_CALL: Final = 100  # the store does nothing else meanwhile

# KEYS watch (owner, until, latest, state), outbox. ARGV owner, latest, lease_ms, 1 where the owner knows the state.
_ACQUIRE = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner, latest = redis.call('HGET', KEYS[1], 'owner'), redis.call('HGET', KEYS[1], 'latest') or '0'
if tonumber(ARGV[2]) > tonumber(latest) and tonumber(ARGV[2]) <= now + {LATENESS_MS} then
  latest = ARGV[2]
  redis.call('HSET', KEYS[1], 'latest', latest)
end
if owner and owner ~= ARGV[1] and now < tonumber(redis.call('HGET', KEYS[1], 'until')) then return false end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', string.format('%.0f', now + ARGV[3]))
local state = false
if owner ~= ARGV[1] or ARGV[4] == '0' then state = redis.call('HGET', KEYS[1], 'state') or '' end
return {{state, latest, string.format('%.0f', now)}}
"""

# ARGV owner, state, then alarms.
_SAVE = f"""
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
for i = 3, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
if #ARGV > 2 then redis.call('LTRIM', KEYS[2], -{MAX_OUTBOX}, -1) end
return 1
"""

# ARGV owner, how many alarms.
_PUBLISHED = """
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('LTRIM', KEYS[2], ARGV[2], -1) end
return 1
"""

# KEYS senders and samples of each campaign. ARGV for each how many senders, these, how many samples, these.
_NOTE = f"""
local at = 1
for key = 1, #KEYS, 2 do
  local last = at + ARGV[at]
  for i = at + 1, last do redis.call('PFADD', KEYS[key], ARGV[i]) end
  at = last + 1
  last = at + ARGV[at]
  for i = at + 1, last do
    local held, known = redis.call('LRANGE', KEYS[key + 1], 0, -1), false
    for _, sample in ipairs(held) do known = known or sample == ARGV[i] end
    if #held < {SAMPLES} and not known then redis.call('RPUSH', KEYS[key + 1], ARGV[i]) end
  end
  at = last + 1
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

    def acquire(self, owner: str, *, latest_ms: int, lease_ms: int, known: bool = False) -> Lease | None:
        """See AlarmStore."""
        arguments = [owner, str(latest_ms), str(lease_ms), str(int(known))]
        found = cast("tuple[bytes | None, bytes, bytes] | None", self._run(_ACQUIRE, self.keys, arguments))
        return None if found is None else Lease(found[0], int(found[1]), int(found[2]))

    def save(self, owner: str, state: bytes, alarms: Sequence[bytes]) -> bool:
        """See AlarmStore."""
        return bool(self._run(_SAVE, self.keys, [owner, state, *alarms]))

    def outbox(self) -> Sequence[bytes]:
        """See AlarmStore."""
        with translated():
            return cast("list[bytes]", self.client.lrange(self.keys[1], 0, OUTBOX_READ - 1))

    def published(self, owner: str, alarms: int) -> None:
        """See AlarmStore."""
        self._run(_PUBLISHED, self.keys, [owner, str(alarms)])

    def note(self, notes: Mapping[str, Notes]) -> None:
        """See NoteStore."""
        ordered = list(notes.items())
        for begin in range(0, len(ordered), _CAMPAIGNS_PER_CALL):
            some = ordered[begin : begin + _CAMPAIGNS_PER_CALL]
            keys = [key for campaign, _ in some for key in self.note_keys(campaign)]
            arguments: list[str | bytes] = []
            for _, new in some:
                arguments += [str(len(new.senders)), *new.senders, str(len(new.samples)), *new.samples]
            self._run(_NOTE, keys, arguments)

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
