"""Refines an embedding for clusters, without labels: deep embedded clustering on an encoder that was pretrained."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor, nn

from textsieve.trainer.clustering.dec_config import DecConfig, EvalSnapshot
from textsieve.trainer.clustering.dec_objective import divergence, soft_assignment, target_distribution
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.forward_pass import EVAL_BATCH_TOKENS, Padder
from textsieve.trainer.training.losses import drift
from textsieve.worker.batching import cut_batches
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder.sentence_modules import Pooling
from textsieve.worker.inference.model_folder.tokenizer import Tokens
from textsieve.worker.inference.networks.modules import pool
from textsieve.worker.records import Embeddings


@dataclass(frozen=True, slots=True)
class DecResult:
    """How it ended; the encoder holds the refined weights."""

    snapshots: tuple[EvalSnapshot, ...]
    embeddings: Embeddings  # [texts, dim]
    clusters: NDArray[np.int64]  # [texts], the likeliest of the soft assignment


@dataclass(slots=True)
class _State:
    step: int
    snapshots: list[EvalSnapshot]
    clusters: NDArray[np.int64]  # [texts], at the newest look


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """Texts that are clustered."""

    tokens: Tokens
    original_embeddings: Embeddings  # [texts, dim], of the encoder before


class DeepEmbeddedClustering:
    """One run, from its newest checkpoint or from the beginning.

    Args:
        encoder: on the device; changed in place.
        pooling: makes its embedding.
        tokenizer: pads the texts.
        texts: more texts than clusters.
        k: number of clusters.
        config: how.
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
        tokenizer: Padder,
        texts: TokenizedTexts,
        k: int,
        config: DecConfig,
        device: torch.device,
        checkpoints: Checkpoints,
    ) -> None:
        self._encoder = encoder.to(device)
        self._pooling: Pooling = pooling
        self._tokenizer, self._texts, self._config, self._device = tokenizer, texts, config, device
        self._checkpoints = checkpoints
        self._learning = upper_layers(encoder, config.layers)
        encoder.requires_grad_(requires_grad=False)
        self._learning.requires_grad_(requires_grad=True)
        first = KMeans(k, n_init=1, random_state=config.seed).fit(texts.original_embeddings).cluster_centers_
        self._centers = nn.Parameter(torch.from_numpy(first.astype(np.float32)).to(device))  # [k, dim]
        groups: list[dict[str, Any]] = [
            {"params": list(self._learning.parameters())},
            {"params": [self._centers], "lr": config.center_learning_rate},
        ]
        self._optimizer = torch.optim.Adam(groups, lr=config.learning_rate)

    def run(self, tick: Callable[[int], None] = lambda _: None, stop: Callable[[], bool] = lambda: False) -> DecResult:
        """Learn until the last step, or until hardly a text changes its cluster.

        Dropout is off: target and assignment are compared number by number.

        Args:
            tick: told how many steps were done now; after a resumption first those of before.
            stop: asked after every step; yes interrupts, and the newest look is where it goes on.

        Raises:
            ConfigurationError: the checkpoint is of another run.
            KeyboardInterrupt: `stop` said yes.
        """
        config, state = self._config, self._resume()
        tick(state.step)
        self._encoder.eval()
        while True:
            embeddings = self._embed()
            assignment = self._assign(torch.from_numpy(embeddings))
            target = target_distribution(assignment)
            self._snapshot(state, embeddings, assignment, target)
            if state.step >= config.steps or state.snapshots[-1].changed < config.tolerance:
                return DecResult(tuple(state.snapshots), embeddings, state.clusters)
            until = min(config.steps, state.step + config.refresh)
            rng = np.random.default_rng([config.seed, state.step])
            for _ in range(state.step, until):
                rows = rng.choice(len(embeddings), min(config.batch_size, len(embeddings)), replace=False)
                self._learn(rows, target)
                tick(1)
                if stop():
                    raise KeyboardInterrupt
            state.step = until
            self._save(state)

    def _learn(self, rows: NDArray[np.int64], target: Tensor) -> None:
        embeddings = self._forward(rows)
        loss = divergence(target[rows].to(self._device), soft_assignment(embeddings, self._centers))
        if self._config.keep_embedding:
            original_embeddings = torch.from_numpy(self._texts.original_embeddings[rows]).to(self._device)
            loss = loss + self._config.keep_embedding * drift(embeddings, original_embeddings)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _snapshot(self, state: _State, embeddings: Embeddings, assignment: Tensor, target: Tensor) -> None:
        clusters = assignment.argmax(dim=1).numpy().astype(np.int64)
        state.snapshots.append(
            EvalSnapshot(
                step=state.step,
                changed=float((clusters != state.clusters).mean()) if len(state.clusters) else 1.0,
                divergence=float(divergence(target, assignment)),
                cosine=float((embeddings * self._texts.original_embeddings).sum(axis=1).mean()),
            )
        )
        state.clusters = clusters

    @torch.no_grad()
    def _assign(self, embeddings: Tensor) -> Tensor:
        return soft_assignment(embeddings, self._centers.detach().cpu())

    @torch.no_grad()
    def _embed(self) -> Embeddings:
        embeddings = np.empty_like(self._texts.original_embeddings)
        for rows in cut_batches(self._texts.tokens.lengths, max_batch_tokens=EVAL_BATCH_TOKENS):
            embeddings[rows] = self._forward(rows).cpu().numpy()
        return embeddings

    def _forward(self, rows: NDArray[np.int64]) -> Tensor:
        batch = self._tokenizer.pad(self._texts.tokens, rows)
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
        self._checkpoints.save(
            tensors, {"step": state.step, "looks": [asdict(snapshot) for snapshot in state.snapshots]}
        )

    def _resume(self) -> _State:
        saved = self._checkpoints.load()
        if saved is None:
            return _State(step=0, snapshots=[], clusters=np.empty(0, np.int64))
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
        snapshots = [EvalSnapshot(**snapshot) for snapshot in saved.facts["looks"]]
        return _State(step=saved.facts["step"], snapshots=snapshots, clusters=saved.tensors["clusters"].numpy())


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
