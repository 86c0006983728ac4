"""Every command of `textsieve`: what it does, where it lives, and the extra that brings what it needs."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command; nothing of it is imported before it is run.

    Attributes:
        name: as it is typed.
        does: one line for the overview.
        module, attribute: the Typer application that runs it.
        extra: of the package; it brings the libraries that the command needs.
        is_within: the application has several commands, and this is one of them.
    """

    name: str
    does: str
    module: str
    attribute: str
    extra: str
    is_within: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """What the application is told before the user's own arguments."""
        return (self.name,) if self.is_within else ()

    @property
    def program(self) -> str:
        """What help and errors call the application."""
        return "textsieve" if self.is_within else f"textsieve {self.name}"


_WORKER = ("textsieve.worker.__main__", "cli", "worker")
_EMBEDDED = ("textsieve.embedded.__main__", "app", "embedded")

_GROUPS: dict[str, tuple[Command, ...]] = {
    "Try it": (
        Command("demo", "a whole stream on this machine: watch messages being labelled", *_EMBEDDED),
        Command("classify", "label a text, a file or standard input: no broker", "textsieve.cli.classify", "app",
                "worker", is_within=False),
        Command("redact", "take personal data and secrets out of texts, as a worker would", "textsieve.cli.redact",
                "app", "worker", is_within=False),
        Command("up", "a broker and a store on this machine until Ctrl-C", *_EMBEDDED),
        Command("kafka", "Apache Kafka and a store on this machine until Ctrl-C", *_EMBEDDED),
    ),
    "Run it": (
        Command("check", "reach every service, load the model, say what to change", *_WORKER),
        Command("run", "label messages until Ctrl-C", *_WORKER),
        Command("produce", "fill a topic from files, standard input or generated texts", "textsieve.producer.__main__",
                "app", "worker", is_within=False),
        Command("tail", "show results as they come", "textsieve.cli.tail", "app", "worker", is_within=False),
    ),
    "Tend it": (
        Command("clusters", "forget the shared clusters", *_WORKER),
        Command("dead-letters", "look at the dead letters, send them again", *_WORKER),
        Command("settings", "every option, its default and what it does", *_WORKER),
        Command("train", "make and judge models from labelled texts", "textsieve.trainer.__main__", "app", "trainer",
                is_within=False),
    ),
}  # fmt: skip

COMMANDS = {command.name: command for group in _GROUPS.values() for command in group}


def overview() -> str:
    """What `textsieve --help` prints."""
    lines = ["Usage: textsieve COMMAND [OPTIONS]", "", "Labels and clusters a stream of short texts."]
    for title, group in _GROUPS.items():
        lines += ["", f"{title}:", *_rows(group)]
    lines += ["", "textsieve COMMAND --help says more of each; textsieve --version, which this is."]
    return "\n".join(lines) + "\n"


def _rows(group: Iterable[Command]) -> list[str]:
    return [f"  {command.name:<13} {command.does}" for command in group]
