"""The metric catalogue of a worker, and how its events become numbers."""

from worker.metrics.metrics import Metrics
from worker.metrics.registry import SteadyRegistry

__all__ = ["Metrics", "SteadyRegistry"]
