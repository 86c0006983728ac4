"""The door to Redis or Valkey."""

from textsieve.worker.connectors.redis.alarms import RedisAlarmStore
from textsieve.worker.connectors.redis.client import check_memory_policy, connect
from textsieve.worker.connectors.redis.counters import RedisCounterStore
from textsieve.worker.connectors.redis.leaders import RedisLeaderStore
from textsieve.worker.connectors.redis.store import RedisCentroidStore

__all__ = [
    "RedisAlarmStore",
    "RedisCentroidStore",
    "RedisCounterStore",
    "RedisLeaderStore",
    "check_memory_policy",
    "connect",
]
