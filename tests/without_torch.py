"""Runs Python code where torch and its kin cannot be imported: `python -m tests.without_torch find -c CODE ARGUMENTS`.

`import` leaves them installed: a look whether they are finds them, and only importing fails. With `find` they are as
good as not installed. `-m MODULE` runs a module instead of code.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType

FORBIDDEN = frozenset({"torch", "transformers", "sentence_transformers", "huggingface_hub"})


class _Refusing(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        raise ModuleNotFoundError(f"No module named '{spec.name}'", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never reached."""


class Importable(importlib.abc.MetaPathFinder):
    """Finds what is forbidden, and refuses to load it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in FORBIDDEN:
            return importlib.machinery.ModuleSpec(fullname, _Refusing())
        return None


class Installed(importlib.abc.MetaPathFinder):
    """Another finder that does not find what is forbidden."""

    def __init__(self, finder: importlib.abc.MetaPathFinder) -> None:
        self._finder = finder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in FORBIDDEN:
            return None
        return self._finder.find_spec(fullname, path, target)


def forbid(how: str) -> None:
    """From now on nothing FORBIDDEN is imported; see above for `import` and `find`."""
    if how == "import":
        sys.meta_path.insert(0, Importable())
    else:
        sys.meta_path[:] = [Installed(finder) for finder in sys.meta_path]  # type: ignore[arg-type]


def main() -> None:
    """Forbid, then run."""
    how, option, what, *arguments = sys.argv[1:]
    forbid(how)
    sys.argv = [what, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})  # noqa: S102  # a test's own code


if __name__ == "__main__":
    main()
