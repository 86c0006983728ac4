"""Descriptions of labels as examples of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.data.examples import Groups
from textsieve.trainer.data.label_descriptions import Descriptions
from textsieve.worker.records import Embeddings

_Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class LabelledEmbeddings:
    """Embedded descriptions, and what they describe; also what comes of adding them to examples."""

    embeddings: Embeddings  # [texts, dim]
    labels: _Names  # [texts]
    groups: Groups | None = None  # [texts]

    def plus(self, embeddings: Embeddings, labels: _Names, groups: Groups | None) -> "LabelledEmbeddings":
        """Examples, then these; each description is a group of its own."""
        own = np.asarray([f"description {number}" for number in range(len(self.labels))])
        return LabelledEmbeddings(
            embeddings=np.concatenate([embeddings, self.embeddings]),
            labels=np.concatenate([labels, self.labels]),
            groups=None if groups is None else np.concatenate([groups, own]),
        )


def embed_descriptions(
    descriptions: Descriptions, labels: Sequence[str], embed: Callable[[Sequence[str]], Embeddings]
) -> LabelledEmbeddings:
    """The descriptions of some labels; those of others, and blank ones, are left out.

    Args:
        descriptions: label -> texts.
        labels: which of them.
        embed: texts to [texts, dim].
    """
    pairs = [(text, label) for label in labels for text in descriptions.get(label, ()) if text.strip()]
    texts, names = [text for text, _ in pairs], [label for _, label in pairs]
    return LabelledEmbeddings(embeddings=embed(texts), labels=np.asarray(names))
