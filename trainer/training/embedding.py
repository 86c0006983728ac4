"""What an encoder makes of texts."""

from collections.abc import Callable, Sequence
from pathlib import Path

from textsieve.trainer.evaluation.batch_prediction import predict_all
from textsieve.trainer.training.embedding_cache import cached_embeddings
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings


def embed(
    predictor: Predictor,
    texts: Sequence[str],
    *,
    cache: Path | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> Embeddings:
    """[texts, dim], rows of length 1.

    Args:
        predictor: gives the embeddings.
        texts: at least one.
        cache: folder where they are kept for the next time; None: not kept.
        tick: told after every chunk that was embedded how many texts it had.

    Raises:
        PredictorError: the encoder failed on the texts.
    """

    def embed_some(some: Sequence[str]) -> Embeddings:
        return predict_all(predictor, some, tick=tick).embeddings

    if cache is None:
        return embed_some(texts)
    return cached_embeddings(cache, encoder=predictor.card.fingerprint, texts=texts, embed=embed_some)
