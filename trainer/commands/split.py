"""`python -m trainer split`: a training and a test file that share no text."""

import json
from pathlib import Path
from typing import Annotated

import typer

from textsieve.trainer.commands import options
from textsieve.trainer.commands.console import echo, exit_codes
from textsieve.worker.errors import ConfigurationError


def split(
    data: options.Data,
    *,
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl and test.jsonl.")],
    test_share: Annotated[float, typer.Option(min=0.01, max=0.99, help="Of the distinct texts, for the test.")] = 0.2,
    train_texts: Annotated[
        int | None, typer.Option(min=2, help="Keep so many for training, the others are in neither file; all if unset.")
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
        str | None,
        typer.Option(help="Column whose equal values stay in one file, such as a conversation; it is kept."),
    ] = None,
    slice_column: Annotated[str | None, typer.Option(help="Column to keep, such as a channel or a language.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 0,
) -> None:
    """Hold out a share of every label. Repeats and contradictions are left out first."""
    from textsieve.trainer.data import splits  # noqa: PLC0415 - numpy takes a while: --help does not wait
    from textsieve.trainer.data.reading import Columns, read_examples  # noqa: PLC0415
    from textsieve.trainer.data.writing import write_examples  # noqa: PLC0415

    with exit_codes():
        for name in ("train.jsonl", "test.jsonl"):
            if (out / name).exists():
                raise ConfigurationError(f"--out: expected a folder without {name}, got {out}; choose another")
        columns = Columns(
            text=text_column,
            label=label_column,
            separator=label_separator,
            group=group,
            slice=slice_column,
            normalize=True,  # two texts that only a disguise tells apart are one to a model that reads it undone
            layout=options.layout(file_format, encoding, delimiter, no_header=no_header, no_quotes=no_quotes),
        )
        examples = read_examples(data, columns)
        cut = splits.split(examples, share=test_share, seed=seed)
        train, test = examples.pick(cut.train), examples.pick(cut.test)
        if not (train.kept and test.kept):
            raise ConfigurationError(
                f"{data}: expected texts for both files, got {len(train.kept)} for training and {len(test.kept)} for "
                "the test; add examples, change --test-share, or choose a --group with smaller groups"
            )
        if train_texts is not None and train_texts < len(train.kept):
            train = train.pick(splits.split(train, share=train_texts / len(train.kept), seed=seed).test)
        write_examples(out / "train.jsonl", train, columns)
        write_examples(out / "test.jsonl", test, columns)
    line = {
        "rows": examples.rows,
        "distinct": len(examples.kept),
        "duplicates": examples.duplicates,
        "conflicts": examples.conflicts,
        "empty": examples.empty,
        "train": len(train.kept),
        "test": len(test.kept),
    }
    echo(json.dumps(line) + "\n")
