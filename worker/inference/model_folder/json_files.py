"""JSON files of a model's folder."""

import json
from pathlib import Path
from typing import Any

from textsieve.worker.errors import ConfigurationError


def read_json(path: Path) -> Any:
    """The content of a file, None where there is none.

    Raises:
        ConfigurationError: it is no JSON, or may not be read.
    """
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{path}: expected a {path.name} of JSON, got something else ({error}); restore the file"
        ) from error


def read_object(path: Path) -> dict[str, Any]:
    """The fields of a file, none where it is absent.

    Raises:
        ConfigurationError: it is no JSON object.
    """
    content = read_json(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: expected a JSON object, got a {type(content).__name__}; restore the file")
    return content
