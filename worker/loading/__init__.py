"""Settings from four sources: defaults < textsieve.toml < TEXTSIEVE_* < flags."""

from worker.loading.layers import load_settings
from worker.loading.reference import reference_table

__all__ = ["load_settings", "reference_table"]
