"""From examples and an encoder to tuned weights and a head."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from textsieve.trainer.data.embedded_examples import EmbeddedExamples
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.splits import split
from textsieve.trainer.evaluation.calibration import Logits
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import HEAD_POOLING, Epoch, TrainingConfig
from textsieve.trainer.training.fine_tuning import FineTuning
from textsieve.trainer.training.forward_pass import TokenizedDataset
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.engines.torch import choose_device
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.networks.heads import LinearHead, activation_of
from textsieve.worker.inference.networks.modules import EncoderNetwork
from textsieve.worker.settings import ModelSettings

_HEAD_SCALE = 0.02  # standard deviation of the head's first weights, as in BERT


@dataclass(frozen=True, slots=True)
class FineTunedModel:
    """A fine-tuned head, not calibrated yet; the encoder's network holds its weights."""

    labels: tuple[str, ...]
    weight: NDArray[np.float32]  # [labels, dim]
    bias: NDArray[np.float32]  # [labels]
    epochs: tuple[Epoch, ...]
    best: int  # position in `epochs`
    logits: Logits  # [validation texts, labels], of the best epoch


def hold_out(everything: EmbeddedExamples, config: TrainingConfig) -> tuple[EmbeddedExamples, EmbeddedExamples]:
    """What is learned, and the share of all labels that validates it.

    Raises:
        ConfigurationError: there are too few texts for a share.
    """
    cut = split(everything.examples, share=config.validation, seed=config.seed)
    if not len(cut.test):
        raise ConfigurationError(
            f"expected at least one text for validation, got {len(everything.examples.kept)} texts in all and a share "
            f"of {config.validation:g}; add examples, raise --validation-share or name a file with --validation"
        )
    return everything.pick(cut.train), everything.pick(cut.test)


def fine_tune(
    encoder: Encoder,
    settings: ModelSettings,
    *,
    train: EmbeddedExamples,
    validation: EmbeddedExamples,
    config: TrainingConfig,
    work: Path,
    tick: Callable[[int, int], None] = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> FineTunedModel:
    """Fine-tune the encoder's network in place.

    Args:
        encoder: whose network learns.
        settings: the device.
        train: what is learned.
        validation: what picks the epoch; shares no text with `train`.
        config: how.
        work: folder of checkpoints: an interrupted run with the same arguments goes on there.
        tick: told after every step: steps done now, steps in all.
        stop: asked after every step; yes saves a checkpoint and interrupts.

    Raises:
        ConfigurationError: the device is not there, or the work folder holds another run.
        KeyboardInterrupt: `stop` said yes.
    """
    labels = tuple(sorted({*train.examples.label_names, *validation.examples.label_names}))
    multi_label = train.examples.multi_label
    device = choose_device(settings.device)
    require_no_dense(encoder)
    head = _untrained_head(encoder, labels=len(labels), seed=config.seed)
    network = _network(encoder, head, multi_label=multi_label).requires_grad_(requires_grad=True).to(device)
    checkpoints = Checkpoints(work, identity=_identity(encoder, train.examples, validation.examples, config))
    tuning = FineTuning(
        network,
        tokenizer=encoder.tokenizer,
        train=_tokenized(encoder, train, labels),
        validation=_tokenized(encoder, validation, labels),
        config=config,
        multi_label=multi_label,
        device=device,
        checkpoints=checkpoints,
    )
    tuned = tuning.run(lambda steps: tick(steps, tuning.steps), stop)
    weight, bias = (one.detach().cpu().numpy() for one in network.head.parameters())
    return FineTunedModel(
        labels=labels, weight=weight, bias=bias, epochs=tuned.epochs, best=tuned.best, logits=tuned.logits
    )


def require_no_dense(encoder: Encoder) -> None:
    """Refuse encoders with layers behind their pooling: they would have to learn, too.

    Raises:
        ConfigurationError: it has some.
    """
    if encoder.dense is not None:
        raise ConfigurationError(
            f"{encoder.folder}: expected an encoder that ends with its pooling, got one with dense layers behind it "
            "(modules.json); train a head only (--frozen), or choose another encoder"
        )


def _untrained_head(encoder: Encoder, *, labels: int, seed: int) -> LinearHead:
    rng = np.random.default_rng(seed)
    weight = rng.normal(scale=_HEAD_SCALE, size=(labels, encoder.dim)).astype(np.float32)
    return LinearHead(weight, np.zeros(labels, dtype=np.float32))


def _network(encoder: Encoder, head: LinearHead, *, multi_label: bool) -> EncoderNetwork:
    return EncoderNetwork(
        encoder.model,
        pooling=encoder.pooling,
        head=head,
        activation=activation_of(multi_label=multi_label),
        head_pooling=HEAD_POOLING,
    )


def _tokenized(encoder: Encoder, part: EmbeddedExamples, labels: tuple[str, ...]) -> TokenizedDataset:
    tokens = encoder.tokenizer.tokenize(part.examples.texts)
    return TokenizedDataset(tokens=tokens, targets=part.examples.targets(labels), original_embeddings=part.embeddings)


def _identity(encoder: Encoder, train: Examples, validation: Examples, config: TrainingConfig) -> str:
    """Changes with whatever the weights depend on."""
    rows = [[[row.shown, row.labels] for row in part.kept] for part in (train, validation)]
    parts = [encoder.fingerprint, asdict(config), torch.__version__, rows]
    return sha256(json.dumps(parts).encode()).hexdigest()
