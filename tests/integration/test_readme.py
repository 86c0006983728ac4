"""The README's five minutes, line by line: my topic, my labels."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTION = re.search(
    r"^## My topic, my labels.*?(?=^## )", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
)
LINES = [
    words
    for block in re.findall(r"^```sh\n(.*?)^```$", SECTION[0], re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if (words := shlex.split(line, comments=True)) and words[0] == "textsieve"
]
QUICK = {  # nothing is tried out; what the demo and the workers find in their environment
    "TEXTSIEVE_MODEL__ENGINE": "torch",
    "TEXTSIEVE_MODEL__PRECISION": "fp32",
    "TEXTSIEVE_MODEL__MAX_BATCH_TOKENS": "2048",
}
SERVERS = {"up", "run"}  # stay until they are ended
ROWS = 40


@contextmanager
def serving(words: list[str], environment: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.timeout(600)  # two trainings' worth of imports, each of them seconds on a busy machine
def test_every_line_does_what_it_says(tmp_path) -> None:
    texts = ("win a free prize, call {} now", "see you at {} for lunch")
    rows = [f'"{texts[row % 2].format(row)}",{("spam", "ham")[row % 2]}\n' for row in range(ROWS)]
    (tmp_path / "messages.csv").write_text("text,label\n" + "".join(rows), "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **QUICK}
    said = {}

    with ExitStack() as servers:
        for words in LINES:
            name = words[1]
            if name == "up":
                broker = servers.enter_context(serving([*words, "--json"], environment, tmp_path))
                environment |= json.loads(broker.stdout.readline())
            elif name == "run":
                servers.enter_context(serving(words, environment, tmp_path))
            else:
                ends = ["--limit", str(ROWS)] if name == "tail" else []
                command = [sys.executable, "-m", *words, *ends]
                done = subprocess.run(
                    command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
                )
                assert 0 == done.returncode, (words, done.stderr)
                said[name] = done.stdout

    results = [json.loads(line) for line in said["tail"].splitlines()]
    assert [True] * ROWS == [result["label"] == result["attributes"]["label"] for result in results]
    assert {"my-model"} == {result["model"]["name"] for result in results}
    assert ["my-model"] * ROWS == [json.loads(line)["model"]["name"] for line in said["classify"].splitlines()]
    assert "lost" in said["demo"]
