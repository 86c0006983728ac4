"""What the card of a bundle says about its thresholds."""

import re

from textsieve.worker.inference.bundle.manifest import Interval, Manifest

_SECTION = re.compile(r"\n## Thresholds\n.*?(?=\n## |\Z)", re.DOTALL)


def with_threshold_section(page: str, manifest: Manifest) -> str:
    """A card with the thresholds of the manifest at its end, instead of those it had."""
    plain = _SECTION.sub("", page).rstrip("\n") + "\n"
    return plain + _section(manifest) if manifest.thresholds else plain


def _section(manifest: Manifest) -> str:
    return f"""
## Thresholds

A worker gives these labels from these probabilities on; of a text longer than the window, one window suffices. Where
nothing was wished, it is one half for the rarer of two labels: texts that fit the window get the likelier of the two.
{_MEASURED if manifest.threshold_scores else ""}
| label | given from | wished | precision | recall | texts |
|---|---|---|---|---|---|
{chr(10).join(_row(manifest, label) for label in manifest.thresholds)}
"""


_MEASURED = """\
Intervals: 95 %, Clopper-Pearson. Thresholds were picked on the texts that gave the numbers, so expect a little less on
others.
"""


def _row(manifest: Manifest, label: str) -> str:
    score = manifest.threshold_scores.get(label)
    facts = (
        (f"{score.wish} {score.wished:g}", _share(score.precision), _share(score.recall), f"{score.texts:,}")
        if score
        else ("", "", "", "")
    )
    return f"| {label} | {manifest.thresholds[label]:.4f} | {' | '.join(facts)} |"


def _share(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f}-{interval.high:.3f})"
