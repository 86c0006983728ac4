"""Undoes disguised spelling before a model reads a text."""

from textsieve.worker.normalization.text_normalizer import ALL, RULES, identity, normalize, normalizer, offset_mapping

__all__ = ["ALL", "RULES", "identity", "normalize", "normalizer", "offset_mapping"]
