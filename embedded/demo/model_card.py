"""How good the head that comes with the worker was measured to be."""

from importlib import resources

import msgspec

BUNDLE = "bundles/sms-spam/bundle.json"  # inside worker.inference


class Figure(msgspec.Struct, frozen=True):
    """A quality over the folds of a cross-validation, 0..1."""

    mean: float
    std: float


class Data(msgspec.Struct, frozen=True):
    """What the head was trained on."""

    name: str
    used_rows: int


class ModelCard(msgspec.Struct, frozen=True):
    """The part of a bundle's `bundle.json` that says what to expect of it."""

    name: str
    version: str
    metrics: dict[str, Figure]  # such as `accuracy`, `spam.f1`
    data: Data


def default_model_card() -> ModelCard:
    """The card of the spam head that comes with the worker."""
    return msgspec.json.decode(
        resources.files("textsieve.worker.inference").joinpath(BUNDLE).read_bytes(), type=ModelCard
    )
