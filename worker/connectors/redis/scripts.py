"""The Lua scripts of the centroid store: each is one step for all who watch."""

SEEDED, LOST_ROWS = 0, 2  # answers of the script below

# KEYS centroids, pool. ARGV expected revision ("" = key absent), pool revision ("*" = any, "" = absent), then field,
# value, ...
REPLACE_SCRIPT = """
local revision = redis.call('HGET', KEYS[1], 'revision') or ''
if revision ~= ARGV[1] then return 0 end
if ARGV[2] ~= '*' then
  if (redis.call('HGET', KEYS[2], 'revision') or '') ~= ARGV[2] then return 0 end
  redis.call('DEL', KEYS[2])
end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""

# KEYS centroids, pool. ARGV new pool revision ("" = only look), model, group, how many watermarks the pool must hold,
# these as field, value, ..., then field, value, ... to write. Returns 0 if the space is seeded, 2 if the pool holds
# less than it must, and the pool's model and group if they are others.
POOL_SCRIPT = """
if redis.call('HEXISTS', KEYS[1], 'centers') == 1 then return 0 end
local model, group = redis.call('HGET', KEYS[2], 'model'), redis.call('HGET', KEYS[2], 'group')
if (model and model ~= ARGV[2]) or (group and group ~= ARGV[3]) then return {model, group} end
local function lower(mark, other)  -- in one life of a topic
  local offset, life = string.match(mark, '^(%d+)@(.*)$')
  local offset_of_other, life_of_other = string.match(other, '^(%d+)@(.*)$')
  return life == life_of_other and tonumber(offset) < tonumber(offset_of_other)
end
local first = 5 + 2 * tonumber(ARGV[4])
for i = 5, first - 1, 2 do
  local held = redis.call('HGET', KEYS[2], ARGV[i])
  if not held or lower(held, ARGV[i + 1]) then return 2 end
end
if ARGV[1] == '' then return 1 end
local now = redis.call('TIME')[1]
redis.call('HSETNX', KEYS[2], 'started', now)
redis.call('HSET', KEYS[2], 'revision', ARGV[1], 'model', ARGV[2], 'group', ARGV[3], 'latest', now)
for i = first, #ARGV, 2 do
  local held = string.sub(ARGV[i], 1, 7) == 'offset:' and redis.call('HGET', KEYS[2], ARGV[i])
  if not (held and lower(ARGV[i + 1], held)) then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return 1
"""

# KEYS pool: in a cluster the clock must be that of the node that said when the pool was begun.
NOW_SCRIPT = "return redis.call('TIME')"

RESET_SCRIPT = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'revision', ARGV[1])
return 1
"""
