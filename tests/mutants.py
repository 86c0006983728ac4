"""How many mutants each module has and how many the tests noticed: `python -m tests.mutants`, after `mutmut run`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path("mutants")
SURVIVED = 0  # exit code of the tests
UNTESTED = 33  # what mutmut notes where no test comes by


def main() -> int:
    """Print a table in Markdown; 1 where nothing was tried."""
    rows = dict(_rows())
    if not rows:
        sys.stderr.write("expected results of `mutmut run` in mutants/, found none\n")
        return 1
    total = sum(rows.values(), start=Counter())
    lines = [_line(name, counts) for name, counts in [*rows.items(), ("together", total)]]
    sys.stdout.write("\n".join(["| module | mutants | noticed | not noticed |", "|---|---|---|---|", *lines]) + "\n")
    return 0


def _rows() -> Iterator[tuple[str, Counter[bool]]]:
    for path in sorted(FOLDER.rglob("*.py.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"].values()
        tried = [code not in (SURVIVED, UNTESTED) for code in codes if code is not None]
        if tried:
            yield str(path.relative_to(FOLDER)).removesuffix(".meta"), Counter(tried)


def _line(name: str, counts: Counter[bool]) -> str:
    share = counts[True] / counts.total()
    return f"| {name} | {counts.total()} | {counts[True]} ({share:.0%}) | {counts[False]} |"


if __name__ == "__main__":
    sys.exit(main())
