"""`textsieve`, also `python -m textsieve`: one command for all there is to type, each part imported when it is run."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module, metadata
from typing import Any

from textsieve.commands import COMMANDS, Command, overview
from textsieve.output import OutputLost, standard_output

FAULT = 1  # exit code, as of every command of ours
MISSING, WRONG_USAGE = 2, 2  # likewise: something is to be changed before it can work
INTERRUPTED = 130  # what shells know: 128 + SIGINT
MAKE_TARGETS = {"trainer": "make torch"}  # that bring more than the others do
OURS = "textsieve"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command.

    Args:
        arguments: as typed after `textsieve`; those of this process if None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else "--help"
    if name in ("--help", "-h", "help"):
        _tell(overview())
        return
    if name in ("--version", "version"):
        _tell(f"textsieve {metadata.version('textsieve')}\n")
        return
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(_unknown(name))
        sys.exit(WRONG_USAGE)
    _run(command, words[1:])


def _tell(text: str) -> None:
    try:
        with standard_output() as out:
            out.write(text)
    except OutputLost as error:
        sys.stderr.write(f"textsieve: {error}\n")
        sys.exit(FAULT)


def _run(command: Command, words: Sequence[str]) -> None:
    try:
        application: Any = getattr(import_module(command.module), command.attribute)
        application(args=[*command.words, *words], prog_name=command.program)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == OURS:
            raise
        here = MAKE_TARGETS.get(command.extra)
        remedy = f"pip install 'textsieve[{command.extra}]'" + (f", or `{here}` in a checkout" if here else "")
        sys.stderr.write(f"textsieve {command.name}: {error.name} is not installed: {remedy}\n")
        sys.exit(MISSING)
    except KeyboardInterrupt:  # while a part is still being imported
        sys.exit(INTERRUPTED)


def _unknown(name: str) -> str:
    near = get_close_matches(name, COMMANDS, n=1)
    meant = f"did you mean `textsieve {near[0]}`?" if near else f"expected one of {', '.join(COMMANDS)}"
    return f"textsieve: there is no command {name!r}: {meant}\n"


if __name__ == "__main__":
    main()
