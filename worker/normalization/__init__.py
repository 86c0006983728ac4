"""Undoes disguised spelling before a model reads a text."""

from textsieve.worker.normalization.texts import ALL, RULES, normalize, origins, reader, verbatim

__all__ = ["ALL", "RULES", "normalize", "origins", "reader", "verbatim"]
