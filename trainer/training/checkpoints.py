"""A work folder from which an interrupted fine-tuning goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from textsieve.worker.errors import ConfigurationError

_LATEST, _BEST = "latest.safetensors", "best.safetensors"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint holds."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]  # whatever JSON can say


class Checkpoints:
    """Two files: the newest state, and the weights of the best epoch so far.

    Args:
        folder: made at the first write.
        identity: of data, encoder and recipe: a checkpoint of another run is refused, never continued.
    """

    def __init__(self, folder: Path, *, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Replace the newest state; an interruption while writing leaves the one before."""
        self._write(_LATEST, tensors, {**facts, "identity": self._identity})

    def save_best(self, weights: Mapping[str, Tensor]) -> None:
        """Replace the weights of the best epoch."""
        self._write(_BEST, weights, {"identity": self._identity})

    def load(self) -> Saved | None:
        """The newest state, or None if there is none.

        Raises:
            ConfigurationError: it is another run's, or unreadable.
        """
        if not (self._folder / _LATEST).is_file():
            return None
        return self._own(_LATEST)

    def load_best(self) -> dict[str, Tensor]:
        """The weights of the best epoch.

        Raises:
            ConfigurationError: there are none, or they are unreadable, or those of another run at the same time.
        """
        return self._own(_BEST).tensors

    def remove(self) -> None:
        """Remove what was written; the folder too if nothing else is in it."""
        for name in (_LATEST, _BEST):
            (self._folder / name).unlink(missing_ok=True)
            self._unfinished(name).unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _write(self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._unfinished(name)
        # copies: safetensors refuses tensors that share memory, as tied weights do
        own = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()}
        try:
            save_file(own, unfinished, metadata={"facts": json.dumps(facts)})
            unfinished.replace(self._folder / name)
        except SafetensorError as error:  # its word for a full disk, too
            raise OSError(f"{unfinished}: cannot be written ({error}); make room or choose another --work") from error
        finally:
            unfinished.unlink(missing_ok=True)

    def _unfinished(self, name: str) -> Path:
        return self._folder / f"{name}.unfinished"

    def _own(self, name: str) -> Saved:
        saved = self._read(name)
        if saved.facts.get("identity") != self._identity:
            raise ConfigurationError(
                f"{self._folder}: holds the interrupted run of other data, another encoder or other options; "
                "repeat that run to finish it, remove the folder to give it up, or choose another --work"
            )
        return saved

    def _read(self, name: str) -> Saved:
        path = self._folder / name
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
                return Saved(tensors, json.loads((file.metadata() or {}).get("facts", "{}")))
        except (OSError, ValueError, SafetensorError) as error:
            raise ConfigurationError(
                f"{path}: expected a checkpoint, got {type(error).__name__}; remove {self._folder} and begin anew"
            ) from error
