"""Deep embedded clustering of labelled texts, which an interruption does not end."""

import json
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import torch

from textsieve.trainer.clustering.dec import DecResult, DeepEmbeddedClustering, TokenizedTexts
from textsieve.trainer.clustering.dec_config import DecConfig
from textsieve.trainer.data.embedded_examples import EmbeddedExamples
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.fine_tuned_model import require_no_dense
from textsieve.worker.inference.engines.torch import choose_device
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.settings import ModelSettings


def refine(
    encoder: Encoder,
    settings: ModelSettings,
    part: EmbeddedExamples,
    config: DecConfig,
    *,
    k: int,
    work: Path,
    tick: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> DecResult:
    """Refine the encoder's network in place; labels take no part.

    Args:
        encoder: whose network learns.
        settings: the device.
        part: texts, and the embeddings that the encoder gives them now.
        config: how.
        k: number of clusters.
        work: folder of the checkpoint: an interrupted run with the same arguments goes on there.
        tick: told how many steps were done now.
        stop: asked after every step; yes interrupts.

    Raises:
        ConfigurationError: device or layers are not there or not offered, or the work folder holds another run.
        KeyboardInterrupt: `stop` said yes.
    """
    require_no_dense(encoder)
    checkpoints = Checkpoints(work, identity=_identity(encoder, part.examples, config, k))
    run = DeepEmbeddedClustering(
        encoder.model,
        pooling=encoder.pooling,
        tokenizer=encoder.tokenizer,
        texts=TokenizedTexts(encoder.tokenizer.tokenize(part.examples.texts), part.embeddings),
        k=k,
        config=config,
        device=choose_device(settings.device),
        checkpoints=checkpoints,
    )
    refined = run.run(tick, stop)
    checkpoints.remove()
    return refined


def _identity(encoder: Encoder, examples: Examples, config: DecConfig, k: int) -> str:
    """Changes with whatever the weights depend on."""
    parts = ["dec", k, encoder.fingerprint, asdict(config), torch.__version__, examples.texts]
    return sha256(json.dumps(parts).encode()).hexdigest()
