"""The functions that everybody writes first: a classification pipeline, a sentence encoder, an online k-means."""

import json
from collections.abc import Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import pipeline

from benchmarks.speed.rivals.kmeans import Clusters
from benchmarks.speed.rivals.options import WINDOW, RivalOptions


class Functions:
    """Two models and the clusters, as their own pages say to use them; torch has one thread."""

    def __init__(self, told: RivalOptions) -> None:
        torch.set_num_threads(1)
        folder = str(told.model / "classifier")
        self._classify = pipeline("text-classification", model=folder, tokenizer=folder, device="cpu", top_k=None)
        self._encoder = SentenceTransformer(str(told.model / "encoder"), device="cpu")
        self._encoder.max_seq_length = WINDOW
        self._clusters = Clusters()

    def label(self, texts: Sequence[str], *, batch: int = 32) -> list[bytes]:
        """One encoded result per text."""
        scores = self._classify(list(texts), batch_size=batch, truncation=True, max_length=WINDOW)
        embeddings = self._encoder.encode(list(texts), batch_size=batch, normalize_embeddings=True)
        ids = self._clusters.learn(embeddings)
        return [_result(text, row, int(cluster)) for text, row, cluster in zip(texts, scores, ids, strict=True)]


def _result(text: str, scores: Sequence[dict[str, Any]], cluster: int) -> bytes:
    best = max(scores, key=lambda row: row["score"])
    return json.dumps(
        {
            "text": text,
            "label": best["label"],
            "score": best["score"],
            "scores": {row["label"]: row["score"] for row in scores},
            "cluster": cluster,
        }
    ).encode()
