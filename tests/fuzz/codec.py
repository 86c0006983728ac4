"""Coverage-guided fuzzing of the codec: `python tests/fuzz/codec.py -max_total_time=60` (needs `pip install atheris`).

Every input is a message; the first byte chooses the options of the decoder. What is found stops the run, and stands in
a file crash-*; add it to tests/unit/worker/test_fuzz.py.
"""

import sys

try:
    import atheris
except ImportError:
    print("fuzz: atheris is not installed, so only hypothesis was run; `pip install atheris` has wheels for Linux")
    sys.exit(0)

with atheris.instrument_imports(include=["worker"]):
    import numpy as np

    from textsieve.worker.codec import Answer, Decoder, Encoder
    from textsieve.worker.records import REASONS, DeadLetter, Document, Record

ANSWER = Answer("spam", 1.0, {"spam": 1.0}, ["spam"], 0, 0.5, 1)
EMBEDDING = np.zeros(4, np.float32)
ENCODER = Encoder("model", "1", max_message_bytes=2048)
PATHS = ("text", "a.b", "", ".", "a.a.a")
DECODERS = [
    Decoder("text" if number % 7 == 0 else "json", text_field, "id", max_value_bytes=4096)
    for number, text_field in enumerate(PATHS * 2)
]


def answer_one(message: bytes) -> None:
    """A message becomes a result, or a dead letter of a known reason; anything raised is a find."""
    choice, value = message[:1] or b"\0", message[1:]
    record = Record("messages", 0, 7, choice, value, 0, (("name", value[:8]),))
    outcome = DECODERS[choice[0] % len(DECODERS)].decode(record)
    if isinstance(outcome, Document):
        made = ENCODER.result(outcome, ANSWER, EMBEDDING, 1)
        if not isinstance(made, DeadLetter):
            return
        outcome = made
    if outcome.reason not in REASONS:
        raise AssertionError(outcome.reason)
    ENCODER.dead_letter(outcome, 1)


if __name__ == "__main__":
    atheris.Setup(sys.argv, answer_one)
    atheris.Fuzz()
