"""Coverage-guided fuzzing of the stages: `python tests/fuzz/stages.py -max_total_time=60` (`pip install atheris`).

Every input is a message; the first byte chooses the settings. What is found stops the run, and stands in
a file crash-*; add it to tests/unit/worker/test_fuzz.py.
"""

import sys

try:
    import atheris
except ImportError:
    print("fuzz: atheris is not installed, so only hypothesis was run; `pip install atheris` has wheels for Linux")
    sys.exit(0)

with atheris.instrument_imports(include=["worker"]):
    from tests.answers import KnownModel, third
    from textsieve.worker.pipeline import build_pipeline
    from textsieve.worker.records import REASONS, Record
    from textsieve.worker.settings import InputSettings, OutputSettings, Settings

PATHS = ("text", "a.b", "", ".", "a.a.a")
PIPELINES = [
    build_pipeline(
        Settings(
            input=InputSettings(
                format="text" if number % 7 == 0 else "json", text_field=text_field, max_value_bytes=4096
            ),
            output=OutputSettings(max_message_bytes=2048),
        ),
        predictor=KnownModel(),
        assign=third,
        now_ms=lambda: 1,
    )
    for number, text_field in enumerate(PATHS * 2)
]


def answer_one(message: bytes) -> None:
    """A message becomes a result, or a dead letter of a known reason; anything raised is a find."""
    choice, value = message[:1] or b"\0", message[1:]
    record = Record("messages", 0, 7, choice, value, 0, (("name", value[:8]),))
    outcome = PIPELINES[choice[0] % len(PIPELINES)].process([record])
    if len(outcome.results) + len(outcome.dead_letters) != 1 or not set(outcome.reasons) <= set(REASONS):
        raise AssertionError(outcome.reasons)


if __name__ == "__main__":
    atheris.Setup(sys.argv, answer_one)
    atheris.Fuzz()
