"""`textsieve redact`: texts without what is personal or secret in them, to see what the workers' settings take out."""

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import typer

from textsieve.cli.console import Config, Overrides, errors, exit_codes
from textsieve.output import standard_output, write_line
from textsieve.worker.loading import load_settings
from textsieve.worker.redaction import Redactor

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def redact(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, the lines of standard input.")] = None,
    *,
    config: Config = None,
    overrides: Overrides = None,
    tenant: Annotated[str, typer.Option(help="Whose texts they are: pseudonyms differ by it.")] = "",
    previous_key: Annotated[
        bool, typer.Option("--previous-key", help="Make pseudonyms with the second key of the file.")
    ] = False,
) -> None:
    """Show texts as workers publish them with output.text=redacted; stderr says what was taken out.

    With --previous-key the pseudonym that a known value had before the key was changed is found again.

    Exit codes: 0 done; 2 a wrong option or setting.
    """
    with exit_codes():
        redactor = Redactor.from_settings(load_settings(config=config, overrides=overrides or ()).redact)
        if previous_key:
            redactor = redactor.with_previous_key()
        counts = Counter[str]()
        with standard_output() as out:
            for text in texts or _lines():
                redacted = redactor.redact(text, tenant=tenant)
                counts.update(redacted.counts)
                write_line(out, redacted.text.encode("utf-8", "backslashreplace"))
                out.flush()
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        errors.print(f"taken out: {said or 'nothing'}", markup=False)


def _lines() -> Iterable[str]:
    """Standard input, whatever its bytes are."""
    stdin = () if sys.stdin is None else sys.stdin.buffer
    return (line.rstrip(b"\r\n").decode("utf-8", "backslashreplace") for line in stdin)
