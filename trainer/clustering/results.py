"""What `trainer cluster` finds, as lines of JSON and of text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from textsieve.trainer.clustering.choose_k import KScores, Suggestion
from textsieve.trainer.clustering.dec import DecResult
from textsieve.trainer.clustering.online import ClusterAssignments, Stream
from textsieve.trainer.clustering.scores import ClusterScores, Method, score, score_clusters
from textsieve.trainer.data.embedded_examples import EmbeddedExamples

_MEASURES = ("nmi", "ari", "accuracy", "silhouette")


@dataclass(frozen=True, slots=True)
class ChooseKResult:
    """Numbers of clusters that were tried."""

    tried: list[KScores]
    suggestion: Suggestion

    def line(self) -> dict[str, Any]:
        """All numbers."""
        return {"suggested": asdict(self.suggestion), "tried": [asdict(one) for one in self.tried]}


@dataclass(frozen=True, slots=True)
class ClusteringResult:
    """The runs of a method, and of what it is compared with on the same texts."""

    k: int
    method: Method
    facts: dict[str, Any]  # how
    runs: list[ClusterScores]
    beside: dict[str, list[ClusterScores]]  # by what they are called

    def line(self) -> dict[str, Any]:
        """All numbers."""
        beside = {
            name: {
                "mean": means(runs),
                "nmi_difference": _differences(self.runs, runs),
                "runs": [asdict(run) for run in runs],
            }
            for name, runs in self.beside.items()
        }
        own = {"mean": means(self.runs), "runs": [asdict(run) for run in self.runs]}
        return {"k": self.k, "method": self.method, **self.facts, **own, **beside}

    def text(self) -> str:
        """A line for each."""
        rows = {self.method: self.runs, **self.beside}
        width = max(map(len, rows))
        lines = [f"  {'':<{width}}  {'  '.join(f'{name:<10}' for name in _MEASURES)}"]
        for name, runs in rows.items():
            numbers = "  ".join(f"{value:<10.4f}" for value in means(runs).values())
            lines.append(f"  {name:<{width}}  {numbers}  mean of {len(runs)}")
        if self.method == "dec":
            lines.append(f"  {self._end()}")
        return "\n".join(lines)

    def _end(self) -> str:
        config, last = self.facts["recipe"], self.facts["looks"][-1]
        if last["changed"] < config["tolerance"]:
            why = f"fewer than {config['tolerance']:g} of the texts changed their cluster (--tolerance)"
        else:
            why = "that is --steps"
        return f"ended after {last['step']} of {config['steps']} steps: {why}"


def cluster_by_seed(
    texts: EmbeddedExamples, *, k: int, method: Method, seeds: Sequence[int], stream: Stream | None
) -> ClusteringResult:
    """Cluster once for each seed; `online` beside k-means that sees all texts at once, judged on the same ones.

    Args:
        texts: what is clustered.
        k: number of clusters.
        method: whose clusters.
        seeds: of the runs.
        stream: of `online`, None for the others.
    """
    labels = texts.examples.labels
    runs = score_clusters(texts.embeddings, labels, k=k, method=method, seeds=seeds, stream=stream)
    if stream is None:
        return ClusteringResult(k, method, {}, runs, {})
    offline = score_clusters(texts.embeddings, labels, k=k, method="kmeans", seeds=seeds, stream=stream)
    facts = {"seed_texts": stream.seed_texts, "half_life": stream.half_life}
    return ClusteringResult(k, method, facts, runs, {"kmeans": offline})


def result_of_dec(
    texts: EmbeddedExamples, refined: DecResult, *, k: int, seeds: Sequence[int], facts: dict[str, Any]
) -> ClusteringResult:
    """The clusters of a refinement, beside k-means on the embeddings before it and after it.

    Args:
        texts: with the embeddings before.
        refined: what came of them.
        k: number of clusters.
        seeds: of the runs of k-means, the first one also that of the refinement.
        facts: how it was refined.
    """
    labels = texts.examples.labels
    given = ClusterAssignments(np.arange(len(labels)), refined.clusters)
    own = score(refined.embeddings, labels, given, method="dec", seed=seeds[0])
    beside = {
        name: score_clusters(embeddings, labels, k=k, method="kmeans", seeds=seeds)
        for name, embeddings in (("kmeans_before", texts.embeddings), ("kmeans_after", refined.embeddings))
    }
    facts = {**facts, "looks": [asdict(snapshot) for snapshot in refined.snapshots]}
    return ClusteringResult(k, "dec", facts, [own], beside)


def means(runs: list[ClusterScores]) -> dict[str, float]:
    """Of every measure over the runs."""
    return {name: float(np.mean([getattr(run, name) for run in runs])) for name in _MEASURES}


def _differences(runs: list[ClusterScores], others: list[ClusterScores]) -> dict[str, float]:
    """NMI of the runs minus that of the others: of the same seeds, or of the one run to each of them."""
    found = np.asarray([run.nmi for run in runs]) - np.asarray([other.nmi for other in others])
    return {"mean": float(found.mean()), "lowest": float(found.min()), "highest": float(found.max())}
