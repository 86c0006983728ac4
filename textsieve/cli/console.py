"""What the commands here share: their options, exit codes, and where lines go."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from textsieve.files.errors import UnreadableFile
from textsieve.output import OutputLost
from textsieve.producer.errors import BrokerUnavailable as ProducerUnavailable
from textsieve.producer.errors import ConfigurationError as ProducerMisconfigured
from textsieve.terminal import printable
from textsieve.worker.errors import ConfigurationError, TextsieveError

FAULT, BAD_CONFIGURATION, INTERRUPTED = 1, 2, 130  # exit codes, as of every command of ours; 128 + SIGINT

Config = Annotated[
    Path | None, typer.Option(help="The workers' TOML file; textsieve.toml in this folder if there is one.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="section.option=value, as for the workers; may be given again.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on a terminal too; in a pipe they always are.")]

errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what a command may meet into a message on stderr and an exit code.

    Raises:
        SystemExit: something was met.
    """
    try:
        yield
    except (ConfigurationError, ProducerMisconfigured, UnreadableFile) as error:
        errors.print("error: " + printable(str(error), keep="\n"), markup=False)
        sys.exit(BAD_CONFIGURATION)
    except (TextsieveError, ProducerUnavailable, OutputLost) as error:
        errors.print("error: " + printable(str(error), keep="\n"), markup=False)
        sys.exit(FAULT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
