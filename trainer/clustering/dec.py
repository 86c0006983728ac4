"""Refines an embedding for clusters, without labels: deep embedded clustering on an encoder that was pretrained."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor, nn

from textsieve.trainer.clustering.dec_objective import divergence, soft_assignment, target_distribution
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.forward_pass import JUDGE_TOKENS, Pads
from textsieve.trainer.training.losses import drift
from textsieve.worker.batching import cut_batches
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.networks.modules import pool
from textsieve.worker.records import Embeddings


@dataclass(frozen=True, slots=True)
class Refinement:
    """Every number that the refined weights depend on, beside the texts."""

    steps: int = 100  # at most
    refresh: int = 50  # steps between two targets
    batch_size: int = 128  # texts
    layers: int = 2  # the upper ones learn, the others stay
    learning_rate: float = 2e-5  # of the layers
    center_learning_rate: float = 1e-3
    keep_embedding: float = 1.0  # weight of 1 - cosine to the original embedding, as in fine-tuning
    tolerance: float = 0.001  # share of texts that change their cluster between two targets: fewer, and it ends
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What was found when a target was made."""

    step: int
    changed: float  # share of the texts whose cluster was another one at the look before; 1 at the first
    divergence: float  # of target and assignment, over all texts
    cosine: float  # mean, to the original embeddings


@dataclass(frozen=True, slots=True)
class Refined:
    """How it ended; the encoder holds the refined weights."""

    looks: tuple[Look, ...]
    embeddings: Embeddings  # [texts, dim]
    clusters: NDArray[np.int64]  # [texts], the likeliest of the soft assignment


@dataclass(slots=True)
class _State:
    step: int
    looks: list[Look]
    clusters: NDArray[np.int64]  # [texts], at the newest look


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts that are clustered."""

    tokens: Tokens
    originals: Embeddings  # [texts, dim], of the encoder before


class Refining:
    """One run, from its newest checkpoint or from the beginning.

    Args:
        encoder: on the device; changed in place.
        pooling: makes its embedding.
        tokenizer: pads the texts.
        corpus: more texts than clusters.
        k: number of clusters.
        recipe: how.
        device: where the encoder is.
        checkpoints: where to go on from; written at every look.

    Raises:
        ConfigurationError: the encoder has no such layers.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        pooling: Pooling,
        tokenizer: Pads,
        corpus: Corpus,
        k: int,
        recipe: Refinement,
        device: torch.device,
        checkpoints: Checkpoints,
    ) -> None:
        self._encoder = encoder.to(device)
        self._pooling: Pooling = pooling
        self._tokenizer, self._corpus, self._recipe, self._device = tokenizer, corpus, recipe, device
        self._checkpoints = checkpoints
        self._learning = upper_layers(encoder, recipe.layers)
        encoder.requires_grad_(requires_grad=False)
        self._learning.requires_grad_(requires_grad=True)
        first = KMeans(k, n_init=1, random_state=recipe.seed).fit(corpus.originals).cluster_centers_
        self._centers = nn.Parameter(torch.from_numpy(first.astype(np.float32)).to(device))  # [k, dim]
        groups: list[dict[str, Any]] = [
            {"params": list(self._learning.parameters())},
            {"params": [self._centers], "lr": recipe.center_learning_rate},
        ]
        self._optimizer = torch.optim.Adam(groups, lr=recipe.learning_rate)

    def run(self, tick: Callable[[int], None] = lambda _: None, stop: Callable[[], bool] = lambda: False) -> Refined:
        """Learn until the last step, or until hardly a text changes its cluster.

        Dropout is off: target and assignment are compared number by number.

        Args:
            tick: told how many steps were done now; after a resumption first those of before.
            stop: asked after every step; yes interrupts, and the newest look is where it goes on.

        Raises:
            ConfigurationError: the checkpoint is of another run.
            KeyboardInterrupt: `stop` said yes.
        """
        recipe, state = self._recipe, self._resume()
        tick(state.step)
        self._encoder.eval()
        while True:
            embeddings = self._embed()
            assignment = self._assign(torch.from_numpy(embeddings))
            target = target_distribution(assignment)
            self._look(state, embeddings, assignment, target)
            if state.step >= recipe.steps or state.looks[-1].changed < recipe.tolerance:
                return Refined(tuple(state.looks), embeddings, state.clusters)
            until = min(recipe.steps, state.step + recipe.refresh)
            rng = np.random.default_rng([recipe.seed, state.step])
            for _ in range(state.step, until):
                rows = rng.choice(len(embeddings), min(recipe.batch_size, len(embeddings)), replace=False)
                self._learn(rows, target)
                tick(1)
                if stop():
                    raise KeyboardInterrupt
            state.step = until
            self._save(state)

    def _learn(self, rows: NDArray[np.int64], target: Tensor) -> None:
        embeddings = self._forward(rows)
        loss = divergence(target[rows].to(self._device), soft_assignment(embeddings, self._centers))
        if self._recipe.keep_embedding:
            originals = torch.from_numpy(self._corpus.originals[rows]).to(self._device)
            loss = loss + self._recipe.keep_embedding * drift(embeddings, originals)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _look(self, state: _State, embeddings: Embeddings, assignment: Tensor, target: Tensor) -> None:
        clusters = assignment.argmax(dim=1).numpy().astype(np.int64)
        state.looks.append(
            Look(
                step=state.step,
                changed=float((clusters != state.clusters).mean()) if len(state.clusters) else 1.0,
                divergence=float(divergence(target, assignment)),
                cosine=float((embeddings * self._corpus.originals).sum(axis=1).mean()),
            )
        )
        state.clusters = clusters

    @torch.no_grad()
    def _assign(self, embeddings: Tensor) -> Tensor:
        return soft_assignment(embeddings, self._centers.detach().cpu())

    @torch.no_grad()
    def _embed(self) -> Embeddings:
        embeddings = np.empty_like(self._corpus.originals)
        for rows in cut_batches(self._corpus.tokens.lengths, max_batch_tokens=JUDGE_TOKENS):
            embeddings[rows] = self._forward(rows).cpu().numpy()
        return embeddings

    def _forward(self, rows: NDArray[np.int64]) -> Tensor:
        batch = self._tokenizer.pad(self._corpus.tokens, rows)
        ids, mask = (torch.from_numpy(one).to(self._device) for one in (batch.input_ids, batch.attention_mask))
        return pool(self._encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask, self._pooling)

    def _save(self, state: _State) -> None:
        layers = {f"layers.{name}": tensor for name, tensor in self._learning.state_dict().items()}
        moments = {
            f"optimizer.{number}.{name}": tensor
            for number, held in self._optimizer.state_dict()["state"].items()
            for name, tensor in held.items()
        }
        tensors = {**layers, **moments, "centers": self._centers, "clusters": torch.from_numpy(state.clusters)}
        self._checkpoints.save(tensors, {"step": state.step, "looks": [asdict(look) for look in state.looks]})

    def _resume(self) -> _State:
        saved = self._checkpoints.load()
        if saved is None:
            return _State(step=0, looks=[], clusters=np.empty(0, np.int64))
        layers: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in saved.tensors.items():
            kind, _, name = key.partition(".")
            if kind == "layers":
                layers[name] = tensor
            elif kind == "optimizer":
                number, _, moment = name.partition(".")
                moments.setdefault(int(number), {})[moment] = tensor
        self._learning.load_state_dict(layers)
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        with torch.no_grad():
            self._centers.copy_(saved.tensors["centers"])
        looks = [Look(**look) for look in saved.facts["looks"]]
        return _State(step=saved.facts["step"], looks=looks, clusters=saved.tensors["clusters"].numpy())


def upper_layers(encoder: nn.Module, count: int) -> nn.ModuleList:
    """The last layers of an encoder, found as the longest list of modules in it.

    Raises:
        ConfigurationError: it has no such list, or fewer layers.
    """
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    layers = max(lists, key=len, default=nn.ModuleList())
    if not 1 <= count <= len(layers):
        raise ConfigurationError(f"--layers: expected 1 to {len(layers)}, the layers of the encoder, got {count}")
    return nn.ModuleList(list(layers)[-count:])
