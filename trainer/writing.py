"""Writes labelled texts as JSON Lines that `read_examples` reads back."""

import json
from pathlib import Path

from trainer.examples import Examples


def write_examples(path: Path, examples: Examples) -> None:
    """One object with `text` and `label` a line; a list of labels where several may hold.

    Args:
        path: its folder is made if absent.
        examples: distinct texts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for row in examples.kept:
            label = list(row.labels) if examples.multi_label else row.labels[0]
            file.write(json.dumps({"text": row.text, "label": label}) + "\n")
