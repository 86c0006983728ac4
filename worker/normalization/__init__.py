"""Undoes disguised spelling before a model reads a text."""

from worker.normalization.texts import normalize, verbatim

__all__ = ["normalize", "verbatim"]
