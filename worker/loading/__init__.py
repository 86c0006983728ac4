"""Settings from four sources: defaults < textsieve.toml < TEXTSIEVE_* < flags."""

from textsieve.worker.loading.layers import load_settings
from textsieve.worker.loading.reference import reference_table

__all__ = ["load_settings", "reference_table"]
