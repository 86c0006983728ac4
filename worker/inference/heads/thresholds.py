"""Thresholds of labels: whether they fit a model, and which are in force."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.settings import ModelSettings


def with_thresholds(
    card: ModelCard, settings: ModelSettings, *, of_bundle: Mapping[str, float] | None = None
) -> ModelCard:
    """The card with the thresholds in force; where those of the settings stand in for others, its version says so.

    A result names its model by the version: the same text must not get two labels from one version.

    Raises:
        ConfigurationError: the settings have thresholds that do not fit the labels.
    """
    own = of_bundle or {}
    if settings.thresholds is None or settings.thresholds == own:
        return replace(card, thresholds=own)
    fault = faults(settings.thresholds, labels=card.labels, multi_label=card.multi_label)
    if fault:
        raise ConfigurationError(
            f"model.thresholds: expected a probability for some of the labels of {card.name}, got {fault}"
        )
    digest = hashlib.sha256(json.dumps(settings.thresholds, sort_keys=True).encode()).hexdigest()[:8]
    return replace(card, thresholds=settings.thresholds, version=f"{card.version}+thresholds.{digest}")


def faults(thresholds: Mapping[str, float], *, labels: Sequence[str], multi_label: bool) -> str:
    """What is wrong with thresholds for these labels, in words that follow "got"; "" where nothing is."""
    unknown = sorted(set(thresholds) - set(labels))
    if unknown:
        return f"one for {unknown[0]!r}, and the labels are {', '.join(labels[:12])}"
    outside = [label for label, least in thresholds.items() if not 0 <= least <= 1]
    if outside:
        return f"{thresholds[outside[0]]} for {outside[0]!r}, which is not within 0..1"
    if thresholds and not multi_label and len(thresholds) == len(labels):
        return "one for every label, and a text that reaches none must be given one of them"
    return ""
