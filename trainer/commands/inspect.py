"""`python -m trainer inspect`: what a bundle says about itself, once its files are found whole."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from textsieve.trainer.bundles.diff import diff_bundles
from textsieve.trainer.commands.console import echo, exit_codes
from textsieve.worker.inference.bundle.manifest import Manifest
from textsieve.worker.inference.bundle.reading import Bundle, read_bundle


def inspect(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    *,
    beside: Annotated[
        Path | None, typer.Option(help="Another bundle: say what differs between the two, instead of the facts.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print bundle.json, or the differences, as one line.")
    ] = False,
) -> None:
    """Check a bundle and say what is in it. Every file is compared with its hash."""
    with exit_codes():
        found = read_bundle(bundle)
        if beside is not None:
            diff = asdict(diff_bundles(found, read_bundle(beside)))
            lines = "".join(f"{name:<18}  {_shown(value)}\n" for name, value in diff.items())
            echo(json.dumps(diff) + "\n" if as_json else lines)
            return
    if as_json:
        echo(json.dumps(msgspec.to_builtins(found.manifest)) + "\n")
        return
    echo("".join(f"{name:<12}  {value}\n" for name, value in _facts(found).items()))


def _shown(value: tuple[str, ...] | float | None) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "of another shape" if value is None else f"{value:.2g}"


def _facts(bundle: Bundle) -> dict[str, object]:
    manifest = bundle.manifest
    head = "the embedding" if manifest.head_pooling is None else f"{manifest.head_pooling} pooling, unscaled"
    return {
        "name": f"{manifest.name} {manifest.version}, format {manifest.format}",
        "created": manifest.created,
        "labels": f"{len(manifest.labels)}, {'independent' if manifest.multi_label else 'exclusive'}: "
        f"{', '.join(manifest.labels)}",
        "embedding": f"{bundle.weight.shape[1]} numbers, {manifest.pooling} pooling",
        "head reads": head,
        "window": f"{manifest.max_tokens} tokens",
        "thresholds": "; ".join(_threshold(manifest, label) for label in manifest.thresholds) or "none",
        "temperature": f"{manifest.temperature:g}",
        "encoder": f"{manifest.encoder.source}, sha256 {manifest.encoder.sha256}",
        "data": f"{manifest.data.name or 'unnamed'}, {manifest.data.used_rows} of {manifest.data.rows} rows used, "
        f"sha256 {manifest.data.sha256}",
        "scores": ", ".join(f"{name} {score.mean:.4f}" for name, score in manifest.metrics.items()),
        "files": f"{len(manifest.files)}, each as its hash says",
    }


def _threshold(manifest: Manifest, label: str) -> str:
    given = f"{label} from {manifest.thresholds[label]:.4f} on"
    score = manifest.threshold_scores.get(label)
    if score is None:
        return given
    shares = (
        f"{name} {one.value:.3f} ({one.low:.3f}-{one.high:.3f})"
        for name, one in (("precision", score.precision), ("recall", score.recall))
    )
    return f"{given}, for a {score.wish} of {score.wished:g}: {', '.join(shares)} on {score.texts:,} texts"
