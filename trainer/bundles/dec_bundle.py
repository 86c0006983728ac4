"""From labelled texts to a bundle whose embedding was refined for clusters."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import torch

from textsieve.trainer.bundles.model_card import RefinedFacts, card
from textsieve.trainer.bundles.writing import FitOptions, TrainedModel, write_model
from textsieve.trainer.clustering.dec import Corpus, Refined, Refinement, Refining
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.fine_tuned_model import Part, require_no_dense
from textsieve.trainer.training.linear_probe import fit_frozen
from textsieve.worker.inference.bundle.manifest import Manifest
from textsieve.worker.inference.engines.torch import choose_device
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.settings import ModelSettings


def refine(
    encoder: Encoder,
    settings: ModelSettings,
    part: Part,
    recipe: Refinement,
    *,
    k: int,
    work: Path,
    tick: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Refined:
    """Refine the encoder's network in place; labels take no part.

    Args:
        encoder: whose network learns.
        settings: the device.
        part: texts, and the embeddings that the encoder gives them now.
        recipe: how.
        k: number of clusters.
        work: folder of the checkpoint: an interrupted run with the same arguments goes on there.
        tick: told how many steps were done now.
        stop: asked after every step; yes interrupts.

    Raises:
        ConfigurationError: device or layers are not there or not offered, or the work folder holds another run.
        KeyboardInterrupt: `stop` said yes.
    """
    require_no_dense(encoder)
    checkpoints = Checkpoints(work, identity=_identity(encoder, part.examples, recipe, k))
    run = Refining(
        encoder.model,
        pooling=encoder.pooling,
        tokenizer=encoder.tokenizer,
        corpus=Corpus(encoder.tokenizer.tokenize(part.examples.texts), part.originals),
        k=k,
        recipe=recipe,
        device=choose_device(settings.device),
        checkpoints=checkpoints,
    )
    refined = run.run(tick, stop)
    checkpoints.remove()
    return refined


def write_refined(
    options: FitOptions, encoder: Encoder, examples: Examples, refined: Refined, facts: RefinedFacts, *, now: datetime
) -> Manifest:
    """Write the refined encoder with a head that is trained on its embeddings of the same texts.

    The head of another bundle would read what it never learned: the embedding has moved.

    Args:
        options: name, place and data of the bundle.
        encoder: after `refine`.
        examples: with exclusive labels, as many texts of each as `options.folds`.
        refined: what `refine` returned.
        facts: how it was refined, for the card; its C is put in here.
        now: becomes `created`.

    Raises:
        ConfigurationError: there are too few texts of a label, or the folder holds other files.
    """
    head = fit_frozen(refined.embeddings, examples.labels, folds=options.folds, seed=options.seed)
    facts = replace(facts, c=head.c)
    model = TrainedModel(head.weight, head.bias, head.report, facts)
    manifest = write_model(options, model, encoder, examples, now=now)
    readme = card(manifest, report=head.report, examples=examples, facts=facts, seed=options.seed)
    (options.out / "README.md").write_text(readme, encoding="utf-8")
    return manifest


def _identity(encoder: Encoder, examples: Examples, recipe: Refinement, k: int) -> str:
    """Changes with whatever the weights depend on."""
    parts = ["dec", k, encoder.fingerprint, asdict(recipe), torch.__version__, examples.texts]
    return sha256(json.dumps(parts).encode()).hexdigest()
