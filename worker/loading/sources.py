"""Settings from four sources: defaults < textsieve.toml < TEXTSIEVE_* < flags."""

import os
from collections.abc import Iterable
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

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.loading.error_messages import explained, unknown_variables
from textsieve.worker.loading.overrides import tree_of
from textsieve.worker.loading.secret_files import SecretFiles, leave_out_secret_files
from textsieve.worker.settings import Settings


def load_settings(*, config: Path | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Read settings from all sources and report every fault at once.

    Args:
        config: a TOML file; without it `textsieve.toml` in the working directory, if there is one.
        overrides: `section.option=value` strings, strongest of all.

    Raises:
        ConfigurationError: one line per fault, naming the option; secrets are never shown.
    """
    if config is not None and not config.is_file():
        raise ConfigurationError(f"--config: expected a TOML file, got {config}, which is not there")
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
            leave_out_secret_files(cast("EnvSettingsSource", env_settings))
            return init_settings, env_settings, SecretFiles(settings_cls), TomlConfigSettingsSource(settings_cls)

    tree = tree_of(overrides)
    faults = list(unknown_variables(os.environ))
    try:
        settings = Layered(**cast("Any", tree))
    except ValidationError as error:
        faults += explained(error)
    except SettingsError as error:
        faults.append(str(error))
    except RecursionError:
        faults.append(f"{path} and TEXTSIEVE_*: expected options, got values nested too deeply")
    except ValueError as error:  # tomllib.TOMLDecodeError is one
        faults.append(f"{path}: expected TOML; {error}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return settings
