"""A work folder from which an interrupted fine-tuning goes on."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from worker.errors import ConfigurationError

_LATEST, _BEST = "latest.pt", "best.pt"


class Checkpoints:
    """Two files: the newest state, and the weights of the best epoch so far.

    Args:
        folder: made at the first write.
        identity: of data, encoder and recipe: a checkpoint of another run is refused, never continued.
    """

    def __init__(self, folder: Path, *, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the newest state; an interruption while writing leaves the one before."""
        self._write(_LATEST, {**state, "identity": self._identity})

    def save_best(self, weights: Mapping[str, Tensor]) -> None:
        """Replace the weights of the best epoch."""
        self._write(_BEST, dict(weights))

    def load(self) -> dict[str, Any] | None:
        """The newest state, or None if there is none.

        Raises:
            ConfigurationError: it is another run's, or unreadable.
        """
        if not (self._folder / _LATEST).is_file():
            return None
        state = self._read(_LATEST)
        if state.get("identity") != self._identity:
            raise ConfigurationError(
                f"{self._folder}: holds the interrupted run of other data, another encoder or other options; "
                "repeat that run to finish it, remove the folder to give it up, or choose another --work"
            )
        return state

    def load_best(self) -> dict[str, Tensor]:
        """The weights of the best epoch.

        Raises:
            ConfigurationError: there are none, or they are unreadable.
        """
        return self._read(_BEST)

    def remove(self) -> None:
        """Remove what was written; the folder too if nothing else is in it."""
        for name in (_LATEST, _BEST):
            (self._folder / name).unlink(missing_ok=True)
            self._unfinished(name).unlink(missing_ok=True)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _write(self, name: str, content: object) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._unfinished(name)
        torch.save(content, unfinished)
        unfinished.replace(self._folder / name)

    def _unfinished(self, name: str) -> Path:
        return self._folder / f"{name}.unfinished"

    def _read(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        try:
            content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise ConfigurationError(
                f"{path}: expected a checkpoint, came {type(error).__name__}; remove {self._folder} and begin anew"
            ) from error
        return content
