"""`make check` runs the unit tests of what changed, and of nothing else."""

import subprocess
from pathlib import Path

import pytest

from tests.changed import changed_files, choose_tests, main

FILES = {
    "worker/codec.py": "",
    "worker/inference/__init__.py": "",
    "worker/inference/engines/fast.py": "",
    "docs/metrics.md": "",
    "tests/unit/worker/test_codec.py": "",
    "tests/unit/worker/test_codec_limits.py": "",
    "tests/unit/worker/test_pipeline.py": "from textsieve.worker import codec\n",
    "tests/unit/worker/inference/test_load.py": "from textsieve.worker.inference import load\n",
    "tests/unit/worker/inference/engines/test_others.py": "import numpy\n",
    "tests/unit/house/test_docs.py": "PAGE = 'metrics.md'\n",
}


@pytest.fixture
def clone(tmp_path):
    """A repository in which nothing changed since its first commit."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message=first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("worker/codec.py", ["worker/test_codec.py", "worker/test_codec_limits.py", "worker/test_pipeline.py"]),
        ("worker/inference/__init__.py", ["worker/inference/test_load.py"]),
        ("worker/inference/engines/fast.py", ["worker/inference/engines/test_others.py"]),
        ("docs/metrics.md", ["house/test_docs.py"]),
        ("tests/unit/worker/test_pipeline.py", ["worker/test_pipeline.py"]),
        (
            "tests/unit/worker/inference/conftest.py",
            ["worker/inference/engines/test_others.py", "worker/inference/test_load.py"],
        ),
        ("LICENSE", []),
    ],
)
def test_a_changed_file_chooses_the_tests_that_mirror_import_or_name_it(clone, changed, tests):
    chosen = choose_tests([Path(changed)], clone)

    assert [Path("tests/unit") / test for test in tests] == chosen


def test_a_clone_in_which_nothing_changed_has_nothing_to_run(clone):
    assert [] == changed_files(clone, "HEAD")


def test_where_nothing_changed_it_says_so_and_succeeds(clone, capsys, monkeypatch):
    monkeypatch.setattr("tests.changed.ROOT", clone)

    status = main(["HEAD"])

    assert (0, "Nothing changed since HEAD that a unit test is about.\n") == (status, capsys.readouterr().out)


def test_what_git_does_not_know_yet_counts_as_changed(clone):
    (clone / "worker" / "codec.py").write_text("LIMIT = 1\n", encoding="utf-8")
    (clone / "worker" / "new.py").write_text("", encoding="utf-8")

    assert [Path("worker/codec.py"), Path("worker/new.py")] == changed_files(clone, "HEAD")
