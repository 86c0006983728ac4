"""What `check` has found, as a person would write it."""

from collections.abc import Mapping, Sequence
from typing import Any


def report_lines(found: Mapping[str, Any]) -> list[str]:
    """A line for each finding, some of which have lines of their own below."""
    return [
        f"{name}: {_shown_warnings(value) if name == 'warnings' else shown(value)}" for name, value in found.items()
    ]


def _shown_warnings(warnings: Sequence[str]) -> str:
    """One below the other: each may have lines of its own."""
    return "".join(f"\n- {warning}" for warning in warnings) or "none"


def shown(value: object) -> str:
    """A finding of `check` as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "trials" in value:
        return _shown_engine(value)
    if isinstance(value, dict) and "alone" in value:
        return _shown_tried(value)
    if isinstance(value, dict) and "mean_cosine" in value:
        return (
            f"labels {value['same_labels']:.2%} as fp32 of {value['texts']} texts, probabilities within"
            f" {value['largest_difference']:.2g}, cosine {value['mean_cosine']:.5f}"
        )
    if isinstance(value, dict) and any(isinstance(one, float) for one in value.values()):
        return ", ".join(f"{name} from {least:g} on" for name, least in value.items())
    if isinstance(value, dict | tuple | list):
        return ", ".join(value) or "none"
    return str(value) or "none"


def _shown_tried(tried: Mapping[str, Any]) -> str:
    """A text, and what it was given each time."""
    alone, batch = (
        ", ".join(f"{label} {score:.4f}" for label, score in tried[name].items()) for name in ("alone", "in_a_batch")
    )
    return (
        f"{tried['text']}\n  alone: {alone}\n  in a batch: {batch}\n  they differ by {tried['largest_difference']:.1g}"
    )


def _shown_engine(report: Mapping[str, Any]) -> str:
    """What runs the model and why, then a line for each candidate."""
    trials = [
        f"\n  {trial['name']}: "
        + (
            trial["fault"]
            or f"{trial['messages_per_second']} messages/s, labels {trial['label_agreement']:.2%} as fp32,"
            f" cosine {trial['mean_cosine']}"
        )
        for trial in report["trials"]
    ]
    budget = f"{report['threads']} threads, device batches of {report['max_batch_tokens']} tokens"
    return f"{report['engine']} {report['precision']}, {report['why']}; {budget}{''.join(trials)}"
