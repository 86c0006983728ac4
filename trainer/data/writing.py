"""Writes labelled texts as JSON Lines that `read_examples` reads back."""

import json
from pathlib import Path

from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import Columns


def write_examples(path: Path, examples: Examples, columns: Columns | None = None) -> None:
    """One object with `text` and `label` a line; a list of labels where several may hold.

    Args:
        path: its folder is made if absent.
        examples: distinct texts.
        columns: as they were read: the columns of slice and group are written under their names.
    """
    read = columns or Columns()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for row in examples.kept:
            written: dict[str, object] = {
                "text": row.text,
                "label": list(row.labels) if examples.multi_label else row.labels[0],
            }
            written |= {name: value for name, value in ((read.slice, row.slice), (read.group, row.group)) if name}
            file.write(json.dumps(written) + "\n")
