"""What a model still finds when the same texts come disguised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textsieve.trainer.data.disguises import KINDS, disguise
from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.evaluation.batch_prediction import predict_all
from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.prediction.cache import CachingPredictor
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.normalization import normalize

AS_IT_IS = "none"  # the kind of texts that nobody disguised
_KEPT = 50_000  # answers; what normalisation undoes is the text that was answered already

Recall = dict[str, float]  # label -> share of its texts that were given it; labels without a text are absent


@dataclass(frozen=True, slots=True)
class Robustness:
    """One kind of disguise, all texts in it."""

    kind: str
    changed: int  # texts that look different from before
    marked: int  # texts whose results would say `obfuscated`
    before: Recall  # the model reads what comes
    after: Recall  # the model reads what normalisation makes of it


def evaluate_robustness(
    predictor: Predictor,
    examples: Examples,
    targets: Targets,
    *,
    seed: int,
    tick: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Robustness, ...]:
    """Recall on the texts as they are, and in every kind of disguise.

    Args:
        predictor: the model.
        examples: texts that had no part in its training.
        targets: [texts, labels], the labels those of the model.
        seed: of the disguises.
        tick: told after some texts: answered now, answered in all.
    """
    asked = CachingPredictor(predictor, messages=_KEPT)
    total = 2 * (len(KINDS) + 1) * len(examples.kept)

    def recall(texts: Sequence[str]) -> Recall:
        probabilities = predict_all(asked, texts, tick=lambda count: tick(count, total)).probabilities
        decided = assigned_labels(probabilities, predictor.card)
        return _recall(decided, targets, labels=predictor.card.labels)

    plain = [row.text for row in examples.kept]
    found = []
    for kind in (AS_IT_IS, *KINDS):
        texts = plain if kind == AS_IT_IS else [disguise(text, kind=kind, seed=seed) for text in plain]
        readings = [normalize(text) for text in texts]
        found.append(
            Robustness(
                kind=kind,
                changed=sum(text != before for text, before in zip(texts, plain, strict=True)),
                marked=sum(reading.obfuscated for reading in readings),
                before=recall(texts),
                after=recall([reading.text for reading in readings]),
            )
        )
    return tuple(found)


def _recall(decided: Targets, targets: Targets, *, labels: Sequence[str]) -> Recall:
    hits, support = (decided & targets).sum(axis=0), targets.sum(axis=0)
    return {label: float(hits[index] / support[index]) for index, label in enumerate(labels) if support[index]}
