"""Runs the unit tests of what changed since the main branch: `python -m tests.changed [REVISION] [-- PYTEST OPTIONS]`.

A test belongs to a changed module where it mirrors its path, or imports it by name; to any other changed file where it
names it. What a module does to those who import its importers is left to `make test`.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNIT = Path("tests/unit")
PARTS = ("worker", "producer", "trainer", "embedded")  # imported below `textsieve`, where links lead to them
MAIN = ("origin/HEAD", "origin/main", "main")  # the first that there is


def main(arguments: list[str]) -> int:
    """Say what is run, run it, and return pytest's exit status; 0 where there is nothing to run."""
    before, options = _split(arguments)
    since = before[0] if before else _fork(ROOT)
    chosen = choose_tests(changed_files(ROOT, since), ROOT)
    if not chosen:
        sys.stdout.write(f"Nothing changed since {since} that a unit test is about.\n")
        return 0
    sys.stdout.write(f"Unit tests of what changed since {since}: {len(chosen)} files.\n")
    sys.stdout.flush()
    return int(pytest.main([*options, *(str(ROOT / path) for path in chosen)]))


def changed_files(root: Path, since: str) -> list[Path]:
    """What differs from that commit, committed or not, what git does not know yet among it."""
    differing = _git(root, "diff", "--name-only", "--no-renames", since)
    unknown = _git(root, "ls-files", "--others", "--exclude-standard")
    return [Path(name) for name in sorted({*differing, *unknown})]


def choose_tests(changed: Iterable[Path], root: Path) -> list[Path]:
    """The files of unit tests that are about any of these."""
    tests = {path.relative_to(root): path.read_text("utf-8") for path in sorted((root / UNIT).rglob("test_*.py"))}
    imports = {path: set(_imported(text)) for path, text in tests.items()}
    chosen: set[Path] = set()
    for path in changed:
        if path.suffix != ".py":
            chosen |= {test for test, text in tests.items() if path.name in text}
        elif path.name == "conftest.py":
            chosen |= {test for test in tests if test.is_relative_to(path.parent)}
        elif path in tests:
            chosen.add(path)
        else:
            mirror = UNIT / path.parent
            mirrored = {test for test in tests if test.parent == mirror and test.stem.startswith(f"test_{path.stem}")}
            found = mirrored | {test for test in tests if _module(path) in imports[test]}
            chosen |= found or {test for test in tests if test.parent == mirror}
    return sorted(chosen)


def _module(path: Path) -> str:
    names = (path.parent if path.name == "__init__.py" else path.with_suffix("")).parts
    return ".".join(("textsieve", *names) if names[0] in PARTS else names)


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _fork(root: Path) -> str:
    for name in MAIN:
        if _git(root, "rev-parse", "--verify", "--quiet", name, check=False):
            return _git(root, "merge-base", "HEAD", name)[0]
    return "HEAD"


def _git(root: Path, *arguments: str, check: bool = True) -> list[str]:
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=check)
    return run.stdout.splitlines()


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
