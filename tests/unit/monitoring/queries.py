"""Reads PromQL just well enough to know which metrics it asks for."""

import re

_SUFFIX = re.compile(r"_(bucket|count|sum)$")
_NAME = re.compile(r"(?:[a-z][a-z_]*:)?(?:textsieve|process|python)_[a-zA-Z0-9_]+(?::\w+)?")
_HISTOGRAMS = ("_seconds", "_messages", "_tokens", "_ratio", "_distance", "_shift")


def metric_names(expression: str) -> set[str]:
    """Names of metrics and recordings, without the suffix of a histogram's series; text in quotes is no name."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    return {
        name if ":" in name or not _SUFFIX.sub("", name).endswith(_HISTOGRAMS) else _SUFFIX.sub("", name)
        for name in _NAME.findall(bare)
    }
