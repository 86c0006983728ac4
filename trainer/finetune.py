"""Fine-tuning: an encoder and its head learn together, and the embedding is held where it was."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.batches import length_grouped
from trainer.calibration import Logits, log_loss, probabilities_of
from trainer.checkpoints import Checkpoints
from trainer.examples import Targets
from trainer.losses import drift, label_loss, label_weights, to_tensor
from trainer.recipe import Recipe
from trainer.scores import decide, macro_f1
from worker.batching import cut_batches
from worker.inference.engines.engine import TokenBatch
from worker.inference.networks import EncoderNetwork
from worker.inference.tokens import Tokens
from worker.records import Embeddings

CHECKPOINT_STEPS = 20  # between two checkpoints: at most half a minute of work on one core is lost
JUDGE_TOKENS = 4096  # of a padded batch without gradients: memory stays below that of a training batch
GREATEST_NORM = 1.0  # of all gradients together: one odd batch must not undo the others


class Pads(Protocol):
    """Makes padded batches."""

    def pad(self, tokens: Tokens, rows: NDArray[np.int64]) -> TokenBatch:
        """The padded batch of some rows."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """Texts ready to learn from or to be judged by."""

    tokens: Tokens
    targets: Targets  # [texts, labels]
    originals: Embeddings  # [texts, dim], of the encoder before training, rows of length 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the training texts ended."""

    training_loss: float  # label loss and drift as they were weighted, mean over steps
    validation_loss: float  # label loss alone
    macro_f1: float  # on the validation texts
    cosine: float  # mean, of validation embeddings to the original ones


@dataclass(frozen=True, slots=True)
class Tuned:
    """What fine-tuning came to; the network holds the weights of the best epoch."""

    epochs: tuple[Epoch, ...]
    best: int  # position in `epochs`
    logits: Logits  # of the validation texts, by the best epoch


@dataclass(slots=True)
class _State:
    """Where a run is; everything that a checkpoint must bring back, beside weights."""

    epoch: int
    step: int  # of the epoch, the next one to take
    loss_sum: float
    epochs: list[Epoch]
    best: int


class FineTuning:
    """One run, from its newest checkpoint or from the beginning.

    Args:
        network: on the device; changed in place.
        tokenizer: pads the texts of both materials.
        train: what is learned.
        validation: what picks the epoch.
        recipe: how.
        multi_label: whether labels are independent.
        device: where the network is.
        checkpoints: where to go on from.
    """

    def __init__(
        self,
        network: EncoderNetwork,
        *,
        tokenizer: Pads,
        train: Material,
        validation: Material,
        recipe: Recipe,
        multi_label: bool,
        device: torch.device,
        checkpoints: Checkpoints,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._train, self._validation = train, validation
        self._recipe, self._multi_label, self._device = recipe, multi_label, device
        self._checkpoints = checkpoints
        weights = label_weights(train.targets, multi_label=multi_label, kind=recipe.class_weights)
        self._weights = to_tensor(weights, device)
        self._optimizer = _optimizer(network, recipe)
        self._peaks = [group["lr"] for group in self._optimizer.param_groups]

    @property
    def steps(self) -> int:
        """Of the whole run, if it does not stop early."""
        return self._recipe.epochs * self._steps_per_epoch

    @property
    def _steps_per_epoch(self) -> int:
        return -(-len(self._train.targets) // self._recipe.batch_size)

    def run(self, tick: Callable[[int], None] = lambda _: None, stop: Callable[[], bool] = lambda: False) -> Tuned:
        """Learn until the last epoch, or until patience ends.

        Args:
            tick: told how many steps were done now; after a resumption first those of before.
            stop: asked after every step; yes saves a checkpoint and interrupts.

        Raises:
            ConfigurationError: the checkpoint is of another run.
            KeyboardInterrupt: `stop` said yes.
        """
        state = self._resume()
        tick(state.epoch * self._steps_per_epoch + state.step)
        while state.epoch < self._recipe.epochs and len(state.epochs) - 1 - state.best < self._recipe.patience:
            self._learn_epoch(state, tick, stop)
            self._close_epoch(state)
        self._network.load_state_dict(self._checkpoints.load_best())
        return Tuned(epochs=tuple(state.epochs), best=state.best, logits=self._judge().logits)

    def _learn_epoch(self, state: _State, tick: Callable[[int], None], stop: Callable[[], bool]) -> None:
        rng = np.random.default_rng([self._recipe.seed, state.epoch])
        batches = length_grouped(self._train.tokens.lengths, batch_size=self._recipe.batch_size, rng=rng)
        self._network.train()
        while state.step < len(batches):
            rows = batches[state.step]
            self._set_rate(state.epoch * self._steps_per_epoch + state.step)
            state.loss_sum += self._learn(rows)
            state.step += 1
            tick(1)
            stopping = stop()
            if stopping or state.step % CHECKPOINT_STEPS == 0:
                self._save(state)
            if stopping:
                raise KeyboardInterrupt

    def _learn(self, rows: NDArray[np.int64]) -> float:
        logits, embeddings = self._pass(self._train, rows)
        targets = torch.from_numpy(self._train.targets[rows].astype(np.float32)).to(self._device)
        loss = label_loss(logits, targets, multi_label=self._multi_label, weights=self._weights)
        if self._recipe.keep_embedding:
            originals = torch.from_numpy(self._train.originals[rows]).to(self._device)
            loss = loss + self._recipe.keep_embedding * drift(embeddings, originals)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), GREATEST_NORM)
        self._optimizer.step()
        return float(loss.detach())

    def _close_epoch(self, state: _State) -> None:
        judged = self._judge()
        state.epochs.append(
            Epoch(
                training_loss=state.loss_sum / state.step,
                validation_loss=judged.loss,
                macro_f1=judged.macro_f1,
                cosine=judged.cosine,
            )
        )
        newest, best = state.epochs[-1], state.epochs[state.best]
        if newest is best or (newest.macro_f1, -newest.validation_loss) > (best.macro_f1, -best.validation_loss):
            state.best = len(state.epochs) - 1
            self._checkpoints.save_best(self._network.state_dict())
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        self._save(state)

    def _judge(self) -> "_Judged":
        self._network.eval()
        lengths, targets = self._validation.tokens.lengths, self._validation.targets
        logits = np.empty(targets.shape, dtype=np.float32)
        cosines = np.empty(len(targets), dtype=np.float32)
        with torch.no_grad():
            for rows in cut_batches(lengths, max_batch_tokens=JUDGE_TOKENS):
                found, embeddings = self._pass(self._validation, rows)
                logits[rows] = found.cpu().numpy()
                cosines[rows] = (embeddings.cpu().numpy() * self._validation.originals[rows]).sum(axis=1)
        probabilities = probabilities_of(logits, multi_label=self._multi_label)
        return _Judged(
            logits=logits,
            loss=log_loss(probabilities, targets, multi_label=self._multi_label),
            macro_f1=macro_f1(targets, decide(probabilities, multi_label=self._multi_label)),
            cosine=float(cosines.mean()),
        )

    def _pass(self, material: Material, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        batch = self._tokenizer.pad(material.tokens, rows)
        return self._network.logits(
            torch.from_numpy(batch.input_ids).to(self._device), torch.from_numpy(batch.attention_mask).to(self._device)
        )

    def _set_rate(self, step: int) -> None:
        factor = rate_factor(step, steps=self.steps, warmup=self._recipe.warmup)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor

    def _save(self, state: _State) -> None:
        self._checkpoints.save(
            {
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "random": torch.get_rng_state(),  # of dropout; that of a GPU is not kept
                "state": {**asdict(state), "epochs": [asdict(epoch) for epoch in state.epochs]},
            }
        )

    def _resume(self) -> _State:
        saved: dict[str, Any] | None = self._checkpoints.load()
        if saved is None:
            torch.manual_seed(self._recipe.seed)
            return _State(epoch=0, step=0, loss_sum=0.0, epochs=[], best=0)
        self._network.load_state_dict(saved["network"])
        self._optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        state = saved["state"]
        return _State(**{**state, "epochs": [Epoch(**epoch) for epoch in state["epochs"]]})


@dataclass(frozen=True, slots=True)
class _Judged:
    logits: Logits  # [texts, labels]
    loss: float
    macro_f1: float
    cosine: float


def rate_factor(step: int, *, steps: int, warmup: float) -> float:
    """The learning rate of a step over its peak: a linear rise, then a linear fall to 0 after the last step."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return (steps - step) / max(1, steps - rise)


def _optimizer(network: EncoderNetwork, recipe: Recipe) -> torch.optim.AdamW:
    encoder = list(network.encoder.parameters())
    return torch.optim.AdamW(
        [
            {"params": [one for one in encoder if one.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [one for one in encoder if one.ndim <= 1], "weight_decay": 0.0},
            {"params": list(network.head.parameters()), "weight_decay": 0.0, "lr": recipe.head_learning_rate},
        ],
        lr=recipe.learning_rate,
    )
