"""One command leads to all: quickly, lazily, and with a way out where something is missing."""

import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from textsieve import __main__ as program
from textsieve.commands import COMMANDS, Command, overview

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = {"torch", "transformers", "sklearn", "numpy", "kafka", "redis", "pydantic", "onnxruntime"}


def imported_by(*words: str) -> set[str]:
    """What a command has imported when it ends."""
    script = f"""
import sys
from textsieve.__main__ import main
try:
    main({list(words)!r})
except SystemExit:
    pass
print(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stderr.split())


def test_help_names_every_command():
    listed = [line.split()[0] for line in overview().splitlines() if line.startswith("  ")]

    assert list(COMMANDS) == listed


def test_help_imports_none_of_the_parts():
    assert set() == imported_by("--help") & (HEAVY | {"typer", "rich", "worker", "trainer", "embedded", "producer"})


def test_asking_how_to_classify_imports_neither_model_nor_trainer_nor_embedded_stack():
    assert set() == imported_by("classify", "--help") & {"torch", "transformers", "sklearn", "trainer", "embedded"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_what_it_does(name, capsys):
    with pytest.raises(SystemExit) as ended:
        program.main([name, "--help"])

    assert (0, True) == (ended.value.code, f"textsieve {name}" in capsys.readouterr().out)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_of_the_help_is_cut_off(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit):
        program.main([name, "--help"])

    assert "\N{HORIZONTAL ELLIPSIS}" not in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_the_extra_that_a_command_names_is_one(command: Command):
    assert command.extra in PROJECT["optional-dependencies"]
    assert find_spec(command.module) is not None


def test_the_console_script_leads_here():
    module, _, function = PROJECT["scripts"]["textsieve"].partition(":")

    assert getattr(import_module(module), function) is program.main


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("demo", "pip install 'textsieve[embedded]'"),
        ("train", "pip install 'textsieve[trainer]', or `make torch` in a checkout"),
    ],
)
def test_a_part_that_is_not_installed_is_named_with_what_brings_it(capsys, monkeypatch, typed, remedy):
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name="lacking")

    monkeypatch.setattr(program, "import_module", missing)

    with pytest.raises(SystemExit) as ended:
        program.main([typed])

    assert (2, f"textsieve {typed}: lacking is not installed: {remedy}\n") == (
        ended.value.code,
        capsys.readouterr().err,
    )


def test_a_fault_of_ours_is_not_called_missing(monkeypatch):
    def missing(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name="textsieve.worker.gone")

    monkeypatch.setattr(program, "import_module", missing)

    with pytest.raises(ModuleNotFoundError):
        program.main(["run"])


@pytest.mark.parametrize(
    ("typed", "told"), [("classfy", "did you mean `textsieve classify`?"), ("xyzzy", "expected one of demo, classify")]
)
def test_a_wrong_command_is_told_with_what_there_is(capsys, typed, told):
    with pytest.raises(SystemExit) as ended:
        program.main([typed])

    assert (2, True) == (ended.value.code, told in capsys.readouterr().err)


def test_without_a_command_there_is_the_overview(capsys):
    program.main([])

    assert overview() == capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys):
    program.main(["--version"])

    assert capsys.readouterr().out.startswith("textsieve ")
