"""Fine-tuning: an encoder and its head learn together, and the embedding is held where it was."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from textsieve.trainer.evaluation.calibration import Logits
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import Epoch, TrainingConfig
from textsieve.trainer.training.forward_pass import ForwardPass, Padder, TokenizedDataset
from textsieve.trainer.training.length_batches import length_grouped
from textsieve.trainer.training.losses import drift, label_loss, label_weights, to_tensor
from textsieve.trainer.training.optimizer import learning_rate_factor, make_optimizer
from textsieve.trainer.training.precision import autocast
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.networks.modules import EncoderNetwork

CHECKPOINT_STEPS = 60  # between two checkpoints: at most half a minute of work on one core is lost
GREATEST_NORM = 1.0  # of all gradients together: one odd batch must not undo the others


@dataclass(frozen=True, slots=True)
class FineTuningResult:
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
        config: how.
        multi_label: whether labels are independent.
        device: where the network is.
        checkpoints: where to go on from.
    """

    def __init__(
        self,
        network: EncoderNetwork,
        *,
        tokenizer: Padder,
        train: TokenizedDataset,
        validation: TokenizedDataset,
        config: TrainingConfig,
        multi_label: bool,
        device: torch.device,
        checkpoints: Checkpoints,
    ) -> None:
        self._network = network
        self._forward_pass = ForwardPass(network, tokenizer, device, multi_label)
        self._train, self._validation = train, validation
        self._config, self._multi_label, self._device = config, multi_label, device
        self._checkpoints = checkpoints
        weights = label_weights(train.targets, multi_label=multi_label, kind=config.class_weights)
        self._weights = to_tensor(weights, device)
        self._optimizer = make_optimizer(network, config)
        self._peak_learning_rates = [group["lr"] for group in self._optimizer.param_groups]

    @property
    def steps(self) -> int:
        """Of the whole run, if it does not stop early."""
        return self._config.epochs * self._steps_per_epoch

    @property
    def _steps_per_epoch(self) -> int:
        return -(-len(self._train.targets) // self._config.batch_size)

    def run(
        self, tick: Callable[[int], None] = lambda _: None, stop: Callable[[], bool] = lambda: False
    ) -> FineTuningResult:
        """Learn until the last epoch, or until patience ends.

        Args:
            tick: told how many steps were done now; after a resumption first those of before.
            stop: asked after every step; yes saves a checkpoint and interrupts.

        Raises:
            ConfigurationError: the checkpoint is of another run, or the loss has no value any more.
            KeyboardInterrupt: `stop` said yes.
        """
        state = self._resume()
        tick(state.epoch * self._steps_per_epoch + state.step)
        while state.epoch < self._config.epochs and len(state.epochs) - 1 - state.best < self._config.patience:
            self._learn_epoch(state, tick, stop)
            self._close_epoch(state)
        self._network.load_state_dict(self._checkpoints.load_best())
        return FineTuningResult(
            epochs=tuple(state.epochs), best=state.best, logits=self._forward_pass.evaluate(self._validation).logits
        )

    def _learn_epoch(self, state: _State, tick: Callable[[int], None], stop: Callable[[], bool]) -> None:
        rng = np.random.default_rng([self._config.seed, state.epoch])
        batches = length_grouped(self._train.tokens.lengths, batch_size=self._config.batch_size, rng=rng)
        self._network.train()
        while state.step < len(batches):
            rows = batches[state.step]
            self._set_learning_rate(state.epoch * self._steps_per_epoch + state.step)
            state.loss_sum += self._learn(rows)
            state.step += 1
            tick(1)
            stopping = stop()
            if stopping or state.step % CHECKPOINT_STEPS == 0:
                self._save(state)
            if stopping:
                raise KeyboardInterrupt

    def _learn(self, rows: NDArray[np.int64]) -> float:
        with autocast(self._config.precision, device=self._device):
            logits, embeddings = (one.float() for one in self._forward_pass.logits(self._train, rows))
        targets = torch.from_numpy(self._train.targets[rows].astype(np.float32)).to(self._device)
        loss = label_loss(logits, targets, multi_label=self._multi_label, weights=self._weights)
        if self._config.keep_embedding:
            original_embeddings = torch.from_numpy(self._train.original_embeddings[rows]).to(self._device)
            loss = loss + self._config.keep_embedding * drift(embeddings, original_embeddings)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), GREATEST_NORM)
        self._optimizer.step()
        return float(loss.detach())

    def _close_epoch(self, state: _State) -> None:
        judged = self._forward_pass.evaluate(self._validation)
        if not np.isfinite((state.loss_sum, judged.loss, judged.cosine)).all():
            raise ConfigurationError(
                f"epoch {state.epoch + 1}: expected a finite loss, got {state.loss_sum / state.step} in training and "
                f"{judged.loss} in validation; lower --learning-rate, --head-learning-rate or --keep-embedding"
            )
        state.epochs.append(
            Epoch(
                training_loss=state.loss_sum / state.step,
                validation_loss=judged.loss,
                macro_f1=judged.macro_f1,
                cosine=judged.cosine,
            )
        )
        newest, best = state.epochs[-1], state.epochs[state.best]
        if newest.macro_f1 >= best.macro_f1:  # a tie goes to the later one: it has learned at a lower rate
            state.best = len(state.epochs) - 1
            self._checkpoints.save_best(self._network.state_dict())
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        self._save(state)

    def _set_learning_rate(self, step: int) -> None:
        factor = learning_rate_factor(step, steps=self.steps, warmup=self._config.warmup)
        for group, peak in zip(self._optimizer.param_groups, self._peak_learning_rates, strict=True):
            group["lr"] = peak * factor

    def _save(self, state: _State) -> None:
        network = {f"network.{name}": tensor for name, tensor in self._network.state_dict().items()}
        moments = {
            f"optimizer.{number}.{name}": tensor
            for number, held in self._optimizer.state_dict()["state"].items()
            for name, tensor in held.items()
        }
        random = torch.get_rng_state()  # of dropout; that of a GPU is not kept
        self._checkpoints.save({**network, **moments, "random": random}, asdict(state))

    def _resume(self) -> _State:
        saved = self._checkpoints.load()
        if saved is None:
            torch.manual_seed(self._config.seed)
            return _State(epoch=0, step=0, loss_sum=0.0, epochs=[], best=0)
        network: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in saved.tensors.items():
            kind, _, name = key.partition(".")
            if kind == "network":
                network[name] = tensor
            elif kind == "optimizer":
                number, _, moment = name.partition(".")
                moments.setdefault(int(number), {})[moment] = tensor
        self._network.load_state_dict(network)
        # the groups hold what the recipe says, and a rate that is set anew before every step
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})
        torch.set_rng_state(saved.tensors["random"])
        facts = saved.facts
        return _State(
            epoch=facts["epoch"],
            step=facts["step"],
            loss_sum=facts["loss_sum"],
            epochs=[Epoch(**epoch) for epoch in facts["epochs"]],
            best=facts["best"],
        )
