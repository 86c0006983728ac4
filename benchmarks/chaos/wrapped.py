"""Something around a part of a worker: changed where a subclass says so, in all else the part behind it."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Wrapped:
    """Passes on whatever its subclass does not do otherwise."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
