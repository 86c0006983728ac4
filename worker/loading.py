"""Settings from four sources: defaults < textsieve.toml < TEXTSIEVE_* < flags."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from worker.errors import ConfigurationError
from worker.settings import ENV_PREFIX, Section, Settings

MAX_SECRET_BYTES = 65_536  # far beyond any password or token; a wrong path must not fill the memory


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads TEXTSIEVE_<SECTION>__<OPTION>_FILE: the option's value is the file's content."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
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


def _leave_out_secret_files(source: EnvSettingsSource) -> None:
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
        raise ConfigurationError(f"{name}: expected a readable text file, came {path} ({kind})") from None
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigurationError(f"{name}: expected a file of at most {MAX_SECRET_BYTES} bytes, came {path} with more")
    return value


def load_settings(*, config: Path | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Read settings from all sources and report every fault at once.

    Args:
        config: a TOML file; without it `textsieve.toml` in the working directory, if there is one.
        overrides: `section.option=value` strings, strongest of all.

    Raises:
        ConfigurationError: one line per fault, naming the option; secrets are never shown.
    """
    if config is not None and not config.is_file():
        raise ConfigurationError(f"--config: expected a TOML file, came {config}, which is not there")
    path = config or Path("textsieve.toml")

    class Layered(Settings):
        model_config = SettingsConfigDict(toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings  # a .env file would be a hidden input
            _leave_out_secret_files(cast("EnvSettingsSource", env_settings))
            return init_settings, env_settings, _SecretFiles(settings_cls), TomlConfigSettingsSource(settings_cls)

    tree = _tree(overrides)
    faults = list(_unknown_variables(os.environ))
    try:
        settings = Layered(**cast("Any", tree))
    except ValidationError as error:
        faults += _explain(error)
    except SettingsError as error:
        faults.append(str(error))
    except RecursionError:
        faults.append(f"{path} and TEXTSIEVE_*: expected options, came values nested too deeply")
    except ValueError as error:  # tomllib.TOMLDecodeError is one
        faults.append(f"{path}: expected TOML; {error}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return settings


def _tree(overrides: Iterable[str]) -> dict[str, dict[str, Any]]:
    tree: dict[str, dict[str, Any]] = {}
    for override in overrides:
        name, separator, value = override.partition("=")
        section, dot, option = name.strip().partition(".")
        if not (separator and dot):
            beginning = re.split(r"[^\w.]", name.strip())[0]  # a secret may follow a wrong separator
            raise ConfigurationError(f"--set: expected section.option=value, came {beginning!r}")
        tree.setdefault(section, {})[option] = _from_json(name, value) if value.startswith(("{", "[")) else value
    return tree


def _from_json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"--set {name}: expected JSON after {value[0]!r}, came {type(error).__name__}"
        ) from None


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    for name in environ:
        section, separator, _ = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if not name.startswith(ENV_PREFIX) or section in Settings.model_fields:
            continue
        if separator:
            expected = ", ".join(Settings.model_fields)
            yield f"{name}: expected one of the sections {expected}, came {section}"
        elif meant := _meant(section):
            yield f"{name}: expected two underscores after the section; did you mean {meant}?"


def _meant(name: str) -> str | None:
    """The variable somebody meant who wrote one underscore where two belong."""
    for section, outer in Settings.model_fields.items():
        option = name.removeprefix(section + "_")
        if option != name and option in cast("type[Section]", outer.annotation).model_fields:
            return f"{ENV_PREFIX}{section}__{option}".upper()
    return None


def _explain(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        came = f", came {str(fault['input'])[:80]!r}" if _may_be_shown(fault["loc"], fault["input"]) else ""
        if fault["type"] == "extra_forbidden":
            yield f"{name}: there is no such option"
        else:
            yield f"{name}: {fault['msg'].removeprefix('Value error, ')}{came}"


def _may_be_shown(place: tuple[int | str, ...], value: object) -> bool:
    """A value of one option that holds no secret; whole sections and the input of cross-checks may hold one."""
    private = any(word in str(part) for part in place for word in ("password", "token", "url"))
    return len(place) > 1 and not private and isinstance(value, str | int | float | bool | None)


def reference_table() -> str:
    """Every option as a Markdown table: the source of docs/settings.md."""
    lines = ["| option | default | what it does |", "|---|---|---|"]
    for section, outer in Settings.model_fields.items():
        for option, field in cast("type[Section]", outer.annotation).model_fields.items():
            default = field.get_default(call_default_factory=True)
            shown = ",".join(default) if isinstance(default, tuple) else default
            lines.append(
                f"| `{section}.{option}` | {'' if shown in (None, {}) else f'`{shown}`'} | {field.description} |"
            )
    return "\n".join(lines) + "\n"
