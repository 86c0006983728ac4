"""The door to Redis or Valkey."""

from worker.connectors.redis.client import check_memory_policy, connect
from worker.connectors.redis.counters import RedisCounterStore
from worker.connectors.redis.store import RedisCentroidStore

__all__ = ["RedisCentroidStore", "RedisCounterStore", "check_memory_policy", "connect"]
