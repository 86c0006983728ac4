import os
import subprocess
import sys

OPENS = """
from contextlib import suppress
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.engines.onnx import open_session
with suppress(PredictorError):
    open_session(b"no graph", threads=1)
"""


def test_nothing_is_kept_nor_sent_about_the_machine(tmp_path):
    # These make ONNX Runtime silent too, and must not hide what is tried here.
    silencers = ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in silencers}

    subprocess.run([sys.executable, "-c", OPENS], env={**environment, "HOME": str(tmp_path)}, check=True)

    assert [] == list(tmp_path.rglob("*"))
