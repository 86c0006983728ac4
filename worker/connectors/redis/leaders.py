"""The leaders of campaigns in Redis or Valkey: joined or created by one call, whoever else proposes one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from textsieve.worker.campaigns.leaders import (
    MAX_LEADERS,
    MAX_OF_BAND,
    SURPLUS_SHARE,
    TTL_SECONDS,
    Changes,
    Leader,
    Revision,
)
from textsieve.worker.campaigns.minhash import BANDS, PERMUTATIONS, band_keys
from textsieve.worker.connectors.redis.client import Client, translated
from textsieve.worker.errors import ConfigurationError

_SIGNATURE_BYTES = 4 * PERMUTATIONS
_BANDS_BYTES = 8 * BANDS
_ID_BYTES = 12
MAX_PROPOSALS = 16  # of one call: the store answers nobody else meanwhile

# KEYS leaders (id -> signature, bands, event time of the first message), bands (band -> ids, one after the other),
# numbers (id -> how many had been opened), seen (id -> when it had its last member), sizes (id -> members), revision.
_NAMES = ("leaders", "bands", "numbers", "seen", "sizes", "revision")

# ARGV at least, now, then for each proposal id, signature, bands, first message. Returns for each id and leader.
_OPEN = f"""
local function resembled(signature, bands)
  local best, most, asked = false, 0, {{}}
  for band = 1, {_BANDS_BYTES}, 8 do
    local ids = redis.call('HGET', KEYS[2], string.sub(bands, band, band + 7)) or ''
    for at = math.max(1, #ids - {_ID_BYTES * MAX_OF_BAND - 1}), #ids, {_ID_BYTES} do
      local id = string.sub(ids, at, at + {_ID_BYTES - 1})
      local leader = not asked[id] and redis.call('HGET', KEYS[1], id)
      asked[id] = true
      if leader then
        local equal = 0
        for i = 1, {_SIGNATURE_BYTES}, 4 do
          if string.sub(leader, i, i + 3) == string.sub(signature, i, i + 3) then equal = equal + 1 end
        end
        if equal > most or (equal == most and best and id < best) then best, most = id, equal end
      end
    end
  end
  return most / {PERMUTATIONS} >= tonumber(ARGV[1]) and best
end
local opened = {{}}
for i = 3, #ARGV, 4 do
  local id, bands = ARGV[i], ARGV[i + 2]
  local known = resembled(ARGV[i + 1], bands)
  if not known then
    known = id
    redis.call('HSET', KEYS[1], id, ARGV[i + 1] .. bands .. ARGV[i + 3])
    for band = 1, {_BANDS_BYTES}, 8 do
      local field = string.sub(bands, band, band + 7)
      redis.call('HSET', KEYS[2], field, (redis.call('HGET', KEYS[2], field) or '') .. id)
    end
    redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[6], 'opened', 1), id)
  end
  redis.call('ZADD', KEYS[4], 'GT', ARGV[2], known)
  opened[#opened + 1] = known
  opened[#opened + 1] = redis.call('HGET', KEYS[1], known)
end
return opened
"""

# ARGV now, then id and new members of each campaign. Returns the size of each, false where it is gone.
_ADD_MEMBERS = """
local sizes = {}
for i = 2, #ARGV, 2 do
  local known = redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1
  if known then redis.call('ZADD', KEYS[4], 'GT', ARGV[1], ARGV[i]) end
  sizes[#sizes + 1] = known and redis.call('HINCRBY', KEYS[5], ARGV[i], ARGV[i + 1])
end
return sizes
"""

# ARGV opened and expired as the caller knows them, the oldest last member to keep (a clock that is ahead of the
# store's does not count), how many leaders to keep. Returns
# opened, expired, whether all ids follow, these, then id and leader of each new one.
_CHANGES = f"""
local surplus = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[4])
local oldest = math.min(tonumber(ARGV[3]), (tonumber(redis.call('TIME')[1]) - {TTL_SECONDS}) * 1000)
local gone = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. string.format('%.0f', oldest), 'LIMIT', 0, 500)
if #gone == 0 and surplus > 0 then
  gone = redis.call('ZRANGE', KEYS[4], 0, math.min(surplus + math.floor(tonumber(ARGV[4]) / {SURPLUS_SHARE}), 500) - 1)
end
for _, id in ipairs(gone) do
  local leader = redis.call('HGET', KEYS[1], id) or ''
  for at = {_SIGNATURE_BYTES + 1}, {_SIGNATURE_BYTES + _BANDS_BYTES}, 8 do
    local band = string.sub(leader, at, at + 7)
    local left = string.gsub(redis.call('HGET', KEYS[2], band) or '', id, '')
    if left == '' then redis.call('HDEL', KEYS[2], band) else redis.call('HSET', KEYS[2], band, left) end
  end
  for _, key in ipairs({{KEYS[1], KEYS[5]}}) do redis.call('HDEL', key, id) end
  for _, key in ipairs({{KEYS[3], KEYS[4]}}) do redis.call('ZREM', key, id) end
  redis.call('HINCRBY', KEYS[6], 'expired', 1)
end
local opened = tonumber(redis.call('HGET', KEYS[6], 'opened') or 0)
local expired = tonumber(redis.call('HGET', KEYS[6], 'expired') or 0)
local went_back = opened < tonumber(ARGV[1]) or expired < tonumber(ARGV[2])
local all = went_back or expired ~= tonumber(ARGV[2])
local ids = all and redis.call('ZRANGE', KEYS[3], 0, -1) or {{}}
local new = {{}}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], went_back and '-inf' or '(' .. ARGV[1], '+inf')) do
  new[#new + 1] = id
  new[#new + 1] = redis.call('HGET', KEYS[1], id)
end
return {{opened, expired, all and 1 or 0, ids, new}}
"""


@dataclass(frozen=True, slots=True)
class RedisLeaderStore:
    """LeaderStore over core commands; all keys of a space share a hash tag, so they live in one slot of a cluster."""

    client: Client
    name: str
    max_leaders: int = MAX_LEADERS

    @property
    def keys(self) -> list[str]:
        """All that it writes to."""
        return [f"textsieve:{{{self.name}}}:campaigns:{name}" for name in _NAMES]

    def open(self, proposals: Sequence[Leader], *, at_least: float, now_ms: int) -> Sequence[Leader]:
        """See LeaderStore."""
        opened: list[Leader] = []
        for first in range(0, len(proposals), MAX_PROPOSALS):
            arguments: list[Any] = [str(at_least), str(now_ms)]
            for proposal in proposals[first : first + MAX_PROPOSALS]:
                signature = proposal.signature.astype("<u4").tobytes()
                bands = band_keys(proposal.signature[None]).astype("<u8").tobytes()
                arguments += [proposal.id, signature, bands, str(proposal.first_seen_ms)]
            opened += self._leaders(cast("list[bytes]", self._run(_OPEN, arguments)))
        return opened

    def add_members(self, members: Mapping[str, int], *, now_ms: int) -> Mapping[str, int]:
        """See LeaderStore."""
        arguments = [str(now_ms), *(part for pair in members.items() for part in map(str, pair))]
        sizes = cast("list[int | None]", self._run(_ADD_MEMBERS, arguments))
        return {campaign: size for campaign, size in zip(members, sizes, strict=True) if size is not None}

    def changes(self, since: Revision, *, now_ms: int) -> Changes:
        """See LeaderStore."""
        oldest = now_ms - TTL_SECONDS * 1000
        arguments = [str(since.opened), str(since.expired), str(oldest), str(self.max_leaders)]
        opened, expired, all_follow, ids, new = cast("list[Any]", self._run(_CHANGES, arguments))
        return Changes(
            self._leaders(new),
            frozenset(id_.decode() for id_ in ids) if all_follow else None,
            Revision(opened, expired),
        )

    def _run(self, script: str, arguments: Sequence[Any]) -> Any:
        with translated():
            return self.client.register_script(script)(keys=self.keys, args=arguments)

    def _leaders(self, answer: Sequence[bytes]) -> Sequence[Leader]:
        try:
            return [_leader(id_, written) for id_, written in zip(answer[::2], answer[1::2], strict=True)]
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"clusters.space {self.name!r}: expected leaders as workers write them in {self.keys[0]}, got damaged"
                f" ones ({type(error).__name__}). Restore the store's data, or choose another clusters.space"
            ) from error


def _leader(id_: bytes, written: bytes) -> Leader:
    signature = np.frombuffer(written[:_SIGNATURE_BYTES], "<u4", PERMUTATIONS).astype(np.uint32)
    return Leader(id_.decode(), signature, int(written[_SIGNATURE_BYTES + _BANDS_BYTES :]))
