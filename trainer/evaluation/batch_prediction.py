"""A model's answers to many texts, in chunks, so that progress can be told."""

from collections.abc import Callable, Sequence

from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Predictions

CHUNK = 256  # texts between two moves of the progress bar


def predict_all(
    predictor: Predictor, texts: Sequence[str], *, tick: Callable[[int], None] = lambda _: None
) -> Predictions:
    """The answers in the order of the texts.

    Args:
        predictor: the model.
        texts: at least one.
        tick: told after every chunk how many texts it had.

    Raises:
        PredictorError: the model failed on the texts.
    """
    answers = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        answers.append(predictor.predict(chunk))
        tick(len(chunk))
    return Predictions.joined(answers)
