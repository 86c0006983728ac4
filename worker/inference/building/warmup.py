"""Lets a predictor answer once before anybody depends on it."""

from collections.abc import Callable

from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.building.model import Model
from textsieve.worker.inference.prediction.transformer import TransformerPredictor

_WARMUP_TEXT = ("ok",)
# of several lengths: padding is tried too, and whether a graph answers other lengths than it was traced with
_WARMUP_TEXTS = ("first words", "and a few more of them", "and many more " * 12)


def warmed_up(model: Model, make: Callable[[], TransformerPredictor]) -> TransformerPredictor:
    """The predictor that is made, after its first words.

    Raises:
        ConfigurationError: it cannot be made, or fails at its first words.
    """
    try:
        predictor = make()
        predictor.predict(_WARMUP_TEXT)
        predictor.predict(_WARMUP_TEXTS)
    except (PredictorError, ValueError) as error:  # ValueError: an answer of another shape than the card says
        raise ConfigurationError(
            f"{model.files.folder}: expected a model that answers a short text with {len(model.card.labels)} "
            f"probabilities and {model.card.dim} numbers, got: {error} ({error.__cause__}); choose another model, "
            "model.kind or model.device"
        ) from error
    return predictor
