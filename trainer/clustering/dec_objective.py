"""The mathematics of deep embedded clustering.

Xie, Girshick and Farhadi, Unsupervised Deep Embedding for Clustering Analysis, ICML 2016. What learns to embed there,
an autoencoder, is an encoder here that has learned already.
"""

from torch import Tensor


def soft_assignment(embeddings: Tensor, centers: Tensor) -> Tensor:
    """How much each text belongs to each cluster: Student's t with one degree of freedom (equation 1).

    Args:
        embeddings: [texts, dim].
        centers: [k, dim].

    Returns:
        [texts, k]; rows sum to 1.
    """
    squared = (
        (embeddings**2).sum(dim=1, keepdim=True) - 2 * embeddings @ centers.T + (centers**2).sum(dim=1)
    )  # [texts, k]; cdist has no gradient where a text lies on its centre
    closeness = 1 / (1 + squared.clamp(min=0))
    return closeness / closeness.sum(dim=1, keepdim=True)


def target_distribution(assignment: Tensor) -> Tensor:
    """What an assignment should become: surer, and without large clusters drawing everything (equation 3).

    Args:
        assignment: [texts, k] of all texts, as `soft_assignment` gives it.

    Returns:
        [texts, k]; rows sum to 1.
    """
    weight = assignment**2 / assignment.sum(dim=0)
    return weight / weight.sum(dim=1, keepdim=True)


def divergence(target: Tensor, assignment: Tensor) -> Tensor:
    """Mean over texts of KL(target || assignment) (equation 2).

    Args:
        target: [texts, k], without gradient.
        assignment: [texts, k].
    """
    return (target * (target.log() - assignment.log())).sum(dim=1).mean()
