"""The tuned model: from examples and an encoder to a head, tuned weights and their scores."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.data.splits import Indices, split
from textsieve.trainer.evaluation.calibration import fit_temperature, probabilities_of
from textsieve.trainer.evaluation.cross_validation import Report, split_report
from textsieve.trainer.evaluation.scores import decide
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.fine_tuning import Epoch, FineTuning
from textsieve.trainer.training.forward_pass import Judged, Material, Passes
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.engines.torch import choose_device
from textsieve.worker.inference.model_folder.sentence_modules import MODULES, Pooling
from textsieve.worker.inference.networks.encoder import Encoder, quiet
from textsieve.worker.inference.networks.heads import LinearHead, activation_of
from textsieve.worker.inference.networks.modules import EncoderNetwork
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings

HEAD_POOLING: Pooling = "cls"  # free to move, while the mean is held where it was
_HEAD_SCALE = 0.02  # standard deviation of the head's first weights, as in BERT


@dataclass(frozen=True, slots=True)
class Part:
    """Examples and the embeddings that the encoder gave them before training."""

    examples: Examples
    originals: Embeddings  # [texts, dim]

    def pick(self, rows: Indices) -> "Part":
        """Some of them."""
        return Part(self.examples.pick(rows), self.originals[rows])


@dataclass(frozen=True, slots=True)
class TunedModel:
    """A fine-tuned model; the encoder's network holds its weights."""

    labels: tuple[str, ...]
    weight: NDArray[np.float32]  # [labels, dim], already divided by the temperature
    bias: NDArray[np.float32]  # [labels], the same
    temperature: float
    epochs: tuple[Epoch, ...]
    best: int  # position in `epochs`
    report: Report  # on the validation texts


def hold_out(everything: Part, recipe: Recipe) -> tuple[Part, Part]:
    """What is learned, and the share of all labels that validates it.

    Raises:
        ConfigurationError: there are too few texts for a share.
    """
    cut = split(everything.examples, share=recipe.validation, seed=recipe.seed)
    if not len(cut.test):
        raise ConfigurationError(
            f"expected at least one text for validation, got {len(everything.examples.kept)} texts in all and a share "
            f"of {recipe.validation:g}; add examples, raise --validation-share or name a file with --validation"
        )
    return everything.pick(cut.train), everything.pick(cut.test)


def tune(
    encoder: Encoder,
    settings: ModelSettings,
    *,
    train: Part,
    validation: Part,
    recipe: Recipe,
    work: Path,
    tick: Callable[[int, int], None] = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> TunedModel:
    """Fine-tune the encoder's network in place and fit the temperature.

    Args:
        encoder: whose network learns.
        settings: the device.
        train: what is learned.
        validation: what picks the epoch and the temperature; shares no text with `train`.
        recipe: how.
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
    head = _untrained_head(encoder, labels=len(labels), seed=recipe.seed)
    network = _network(encoder, head, multi_label=multi_label).requires_grad_(requires_grad=True).to(device)
    checkpoints = Checkpoints(work, identity=_identity(encoder, train.examples, validation.examples, recipe))
    tuning = FineTuning(
        network,
        tokenizer=encoder.tokenizer,
        train=_material(encoder, train, labels),
        validation=_material(encoder, validation, labels),
        recipe=recipe,
        multi_label=multi_label,
        device=device,
        checkpoints=checkpoints,
    )
    tuned = tuning.run(lambda steps: tick(steps, tuning.steps), stop)
    targets = validation.examples.targets(labels)
    temperature = fit_temperature(tuned.logits, targets, multi_label=multi_label)
    weight, bias = ((one.detach().cpu() / temperature).numpy() for one in network.head.parameters())
    return TunedModel(
        labels=labels,
        weight=weight,
        bias=bias,
        temperature=temperature,
        epochs=tuned.epochs,
        best=tuned.best,
        report=_report(tuned.logits, targets, labels, multi_label=multi_label),
    )


def judge(model: TunedModel, encoder: Encoder, settings: ModelSettings, part: Part) -> Judged:
    """What the model says about other texts, with the weights and the temperature that a bundle would serve.

    Args:
        model: made by `tune`.
        encoder: the one that was tuned with it.
        settings: the device.
        part: texts whose labels the model knows.

    Raises:
        ConfigurationError: a text has a label that the model does not know.
    """
    device = choose_device(settings.device)
    multi_label = part.examples.multi_label
    network = _network(encoder, LinearHead(model.weight, model.bias), multi_label=multi_label).to(device)
    return Passes(network, encoder.tokenizer, device, multi_label).judge(_material(encoder, part, model.labels))


def save_encoder(encoder: Encoder) -> "TemporaryDirectory[str]":
    """The tuned network with its tokenizer's files, as a folder of Hugging Face files that vanishes when closed.

    Raises:
        OSError: there is no room for it.
    """
    folder = TemporaryDirectory(prefix="textsieve-encoder-")
    try:
        with quiet():
            encoder.model.cpu().eval().save_pretrained(folder.name)  # type: ignore[operator]
    except SafetensorError as error:  # its word for a full disk, too
        folder.cleanup()
        raise OSError(
            f"{folder.name}: cannot be written ({error}); make room or set TMPDIR to another place"
        ) from error
    for path in encoder.files.path.iterdir():
        target = Path(folder.name) / path.name
        copied = (
            path.suffix in {".json", ".txt", ".model"} and path.name != MODULES
        )  # it names folders that stay behind
        if path.is_file() and not target.exists() and copied:
            target.write_bytes(path.read_bytes())
    return folder


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


def _material(encoder: Encoder, part: Part, labels: tuple[str, ...]) -> Material:
    tokens = encoder.tokenizer.tokenize(part.examples.texts)
    return Material(tokens=tokens, targets=part.examples.targets(labels), originals=part.originals)


def _identity(encoder: Encoder, train: Examples, validation: Examples, recipe: Recipe) -> str:
    """Changes with whatever the weights depend on."""
    rows = [[[row.shown, row.labels] for row in part.kept] for part in (train, validation)]
    parts = [encoder.fingerprint, asdict(recipe), torch.__version__, rows]
    return sha256(json.dumps(parts).encode()).hexdigest()


def _report(logits: NDArray[np.float32], targets: Targets, labels: tuple[str, ...], *, multi_label: bool) -> Report:
    decided = decide(probabilities_of(logits, multi_label=multi_label), multi_label=multi_label)
    return split_report(targets, decided, labels=labels, multi_label=multi_label)
