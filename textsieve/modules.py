"""Modules of ours as processes of their own."""

import os
import sys


def module_command(name: str) -> list[str]:
    """Program and arguments that run a module.

    `python -m` looks for modules in the working directory first. A command that was installed does not, and what it
    starts must not either: people work in folders that have a `worker` of their own, or something worse.

    Args:
        name: as `python -m` takes it.
    """
    is_looked_at = not {"", os.getcwd()}.isdisjoint(sys.path)  # noqa: PTH109  # as sys.path spells it
    return [sys.executable, *(() if is_looked_at else ("-P",)), "-m", name]
