"""The model of a worker, behind the cache and on as many threads as the settings ask for."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.engines.report import EngineReport
from textsieve.worker.inference.model_folder.label_map import too_many_labels
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.settings import Settings


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that serves.

    Attributes:
        improving: while this goes on a faster engine is looked for; tells the report of each change.
    """

    predictor: Predictor
    improving: Callable[[Callable[[EngineReport], None]], AbstractContextManager[None]] = lambda _: nullcontext()


def load_serving(settings: Settings) -> LoadedModel:
    """The model, behind the cache that the settings ask for, over an engine that serves at once."""
    from textsieve.worker.inference.background_search.thread import background_search  # noqa: PLC0415  # not for those who bring a predictor
    from textsieve.worker.inference.loading import open_model  # noqa: PLC0415  # as above

    opened = open_model(settings.model)
    limit_threads(settings)
    kept = settings.model.cache_messages
    predictor = CachingPredictor(opened.predictor, messages=kept) if kept else opened.predictor
    return LoadedModel(predictor, lambda changed: background_search(opened, changed=changed))


def load_fastest(settings: Settings) -> TransformerPredictor:
    """The model over its fastest engine, however long finding it takes."""
    from textsieve.worker.inference.loading import load_predictor  # noqa: PLC0415  # as in _load

    predictor = load_predictor(settings.model)
    limit_threads(settings)
    return predictor


def limit_threads(settings: Settings) -> None:
    """Keep the pools of threads of all libraries to `model.threads`, where it is set."""
    if settings.model.threads is not None:
        threadpool_limits(settings.model.threads)  # scikit-learn's and BLAS's pools too, or workers fight over cores


def require_room(settings: Settings, predictor: Predictor) -> None:
    """Refuse a model of whose labels no result could be published."""
    if fault := too_many_labels(predictor.card.labels, max_message_bytes=settings.output.max_message_bytes):
        raise ConfigurationError(f"{predictor.card.name}: {fault}")
