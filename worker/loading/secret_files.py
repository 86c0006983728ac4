"""Options whose value stands in a file that a variable names."""

import os
from pathlib import Path
from typing import Any, cast

from pydantic_settings import EnvSettingsSource, PydanticBaseSettingsSource

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import ENV_PREFIX, Section, Settings

MAX_SECRET_BYTES = 65_536  # far beyond any password or token; a wrong path must not fill the memory


class SecretFiles(PydanticBaseSettingsSource):
    """Reads TEXTSIEVE_<SECTION>__<OPTION>_FILE: the option's value is the file's content."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Nothing for one field: the names of the variables are looked through at once."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The secrets by section and option.

        Raises:
            ConfigurationError: a file cannot be read, or the option is given twice.
        """
        tree: dict[str, Any] = {}
        for name, path in os.environ.items():
            if _names_secret_file(name):
                section, _, option = name.upper().removeprefix(ENV_PREFIX).lower().partition("__")
                tree.setdefault(section, {})[option.removesuffix("_file")] = _read_secret(name, path)
        return tree


def _names_secret_file(name: str) -> bool:
    """Whether the variable names a file that holds an option's value; not where the file is the option's value."""
    section, separator, option = name.upper().removeprefix(ENV_PREFIX).lower().partition("__")
    group = Settings.model_fields.get(section)
    if not (name.upper().startswith(ENV_PREFIX) and separator and option.endswith("_file") and group is not None):
        return False
    return option not in cast("type[Section]", group.annotation).model_fields


def leave_out_secret_files(source: EnvSettingsSource) -> None:
    """Keep the plain reader of the environment from taking PASSWORD_FILE for an option that does not exist."""
    source.env_vars = {name: value for name, value in source.env_vars.items() if not _names_secret_file(name)}


def _read_secret(name: str, path: str) -> str:
    plain = name[: -len("_FILE")]
    if plain in os.environ:
        raise ConfigurationError(f"{plain} and {name} are both set: keep one")
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        value = content.decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        kind = error.strerror if isinstance(error, OSError) else "not UTF-8"  # the bytes may be a secret
        raise ConfigurationError(f"{name}: expected a readable text file, got {path} ({kind})") from None
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigurationError(f"{name}: expected a file of at most {MAX_SECRET_BYTES} bytes, got {path} with more")
    return value
