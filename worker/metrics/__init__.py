"""The metric catalogue of a worker, and how its events become numbers."""

from textsieve.worker.metrics.metrics import Metrics
from textsieve.worker.metrics.registry import ConsistentRegistry

__all__ = ["ConsistentRegistry", "Metrics"]
