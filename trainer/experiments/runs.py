"""One fine-tuned model on trial: what it answers, and what it makes of texts of another kind."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from textsieve.trainer.clustering.scores import score_clusters
from textsieve.trainer.data.atomic_write import write_whole
from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.evaluation.calibration import probabilities_of
from textsieve.trainer.evaluation.scores import decide
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.fine_tuned_model import Part, hold_out, judge, tune
from textsieve.trainer.training.interruption import asked_to_stop
from textsieve.trainer.training.linear_probe import embed
from textsieve.worker.inference.embedding import embedding_predictor
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Groupings:
    """Texts that nobody learns: how well their embeddings cluster, judged by their labels."""

    examples: Mapping[str, Examples]  # by the name of their file
    seeds: int  # runs of k-means

    def nmi(self, name: str, embeddings: Embeddings) -> tuple[float, ...]:
        """Of each run of k-means, as many clusters as labels.

        Args:
            name: whose embeddings they are.
            embeddings: [texts, dim], rows of length 1.
        """
        labels = self.examples[name].labels
        runs = score_clusters(embeddings, labels, k=len(np.unique(labels)), method="kmeans", seeds=range(self.seeds))
        return tuple(run.nmi for run in runs)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model came to."""

    decided: Targets  # [texts of the test part, labels]
    cosine: float  # mean, of the test part's embeddings to the original ones
    nmi: Mapping[str, tuple[float, ...]]  # of each grouping, one for each run of k-means


def attempt(
    train: Part,
    test: Part,
    *,
    groupings: Groupings,
    encoder: ModelSettings,
    recipe: Recipe,
    work: Path,
    progress: Progress,
) -> Answer:
    """Train, answer and forget the model.

    Args:
        train: what it learns from; a share of it validates.
        test: what it answers.
        groupings: what its embedding is judged by.
        encoder: what it begins with.
        recipe: how it learns.
        work: folder of checkpoints: an interrupted attempt goes on there.
        progress: told after every step of the stage `tune`.

    Raises:
        ConfigurationError: labels, encoder or work folder do not fit.
        PredictorError: the encoder failed on the texts.
        KeyboardInterrupt: a signal asked to stop.
    """
    _, network = load_embedder(encoder)  # anew: an attempt before has changed its weights
    learned, validation = hold_out(train, recipe)
    with asked_to_stop() as stop:
        model = tune(
            network,
            encoder,
            train=learned,
            validation=validation,
            recipe=recipe,
            work=work,
            tick=lambda steps, total: progress("tune", steps, total),
            stop=stop,
        )
    judged = judge(model, network, encoder, test)
    multi_label = test.examples.multi_label
    embedder = embedding_predictor(network, encoder)
    answer = Answer(
        decided=decide(probabilities_of(judged.logits, multi_label=multi_label), multi_label=multi_label),
        cosine=judged.cosine,
        nmi={name: groupings.nmi(name, embed(embedder, one.texts)) for name, one in groupings.examples.items()},
    )
    Checkpoints(work, identity="").remove()
    return answer


def keep(path: Path, answer: Answer) -> None:
    """Write an answer down."""
    write_whole(path, json.dumps(asdict(answer) | {"decided": answer.decided.astype(int).tolist()}))


def kept(path: Path) -> Answer | None:
    """The answer that was written down, or None."""
    if not path.is_file():
        return None
    content = msgspec.json.decode(path.read_bytes())
    nmi = {name: tuple(runs) for name, runs in content["nmi"].items()}
    return Answer(decided=np.asarray(content["decided"], dtype=np.bool_), cosine=content["cosine"], nmi=nmi)
