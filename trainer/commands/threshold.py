"""`python -m trainer threshold`: from which probability on a worker gives a label, for a wished precision or recall."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import echo, exit_codes, progress_bars
from textsieve.worker.errors import ConfigurationError

if TYPE_CHECKING:
    from textsieve.trainer.evaluation.thresholds import Threshold


def threshold(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle; it stays as it is.")],
    data: Annotated[Path, typer.Argument(help="Labelled texts that had no part in training.")],
    *,
    label: Annotated[str, typer.Option(help="The label that gets the threshold.")],
    out: Annotated[Path, typer.Option(help="Folder of the new version of the bundle.")],
    precision: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the texts given the label, the share that should have it.")
    ] = None,
    recall: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the texts that have the label, the share to be given it.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="The training file: refuse if a text is in both. Same columns.")
    ] = None,
    file_format: options.FileFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    no_header: options.NoHeader = False,
    no_quotes: options.NoQuotes = False,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: options.LabelSeparator = None,
    group: Annotated[
        str | None, typer.Option(help="With --training: refuse if a value of this column is in both files.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Of the new bundle; the old one's and the thresholds if unset.")
    ] = None,
    normalize: options.Normalize = True,
    threads: options.Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Give a label the threshold that keeps a precision or a recall. A new version of the bundle is written."""
    from textsieve.trainer.bundles.add_threshold import ThresholdOptions, add_threshold  # noqa: PLC0415
    from textsieve.trainer.data.reading import Columns  # noqa: PLC0415 - torch takes seconds to import: --help does not wait

    with exit_codes(), progress_bars("predict") as progress:
        if (precision is None) == (recall is None):
            raise ConfigurationError("expected one of --precision and --recall, got both or none")
        wanted = ThresholdOptions(
            bundle=bundle,
            data=data,
            columns=Columns(
                text=text_column,
                label=label_column,
                separator=label_separator,
                group=group,
                normalize=normalize,
                layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
            ),
            training=training,
            label=label,
            wish="recall" if precision is None else "precision",
            wished=(recall or 0.0) if precision is None else precision,
            out=out,
            version=version,
            threads=threads,
        )
        manifest, found = add_threshold(wanted, now=datetime.now(UTC), progress=progress)
    line = {"bundle": str(out), "name": manifest.name, "version": manifest.version, **asdict(found)}
    echo(json.dumps(line) + "\n" if as_json else _as_text(found, out))


def _as_text(found: "Threshold", out: Path) -> str:
    shares = [
        f"{name} {one.value:.3f} ({one.low:.3f}-{one.high:.3f})"
        for name, one in (("precision", found.precision), ("recall", found.recall))
    ]
    return (
        f"{found.label} from {found.threshold:.4f} on, for a {found.wish} of {found.wished:g}\n"
        f"on these texts: {', '.join(shares)}; 95 % intervals, expect a little less on others\n"
        f"wrote {out}\n"
    )
