"""Settings from four sources: defaults < textsieve.toml < TEXTSIEVE_* < flags."""

from textsieve.worker.loading.reference import reference_table
from textsieve.worker.loading.sources import load_settings

__all__ = ["load_settings", "reference_table"]
