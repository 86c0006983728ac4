"""The jars of Apache Kafka: brought by Maven once, compared with the pinned checksums at every start."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from textsieve.embedded.errors import BinaryMissing, WrongJars

DEFAULT_VERSION = "4.1.2"
FOLDER_VARIABLE = "TEXTSIEVE_KAFKA_JARS"  # names the cache: one for all runs, also where XDG_CACHE_HOME is redirected
MAVEN_SECONDS = 600  # for 44 MB over a slow line
POM = Path(__file__).with_name("pom.xml")
PINS = Path(__file__).with_name("versions")  # VERSION.sha256, as `sha256sum -c` reads it


def classpath(version: str = DEFAULT_VERSION, *, folder: Path | None = None, pins: Path = PINS) -> str:
    """What `java -cp` needs; the jars are fetched when they are not there yet.

    Args:
        version: Of Apache Kafka; one of `versions()`.
        folder: The cache; `cache_folder()` if None.
        pins: Where the pinned checksums are.

    Raises:
        BinaryMissing: There is no Maven, or it could not bring the jars.
        WrongJars: The version has no pinned checksums, or the jars are not those that were pinned.
    """
    pinned = _pinned(version, pins)
    cache = (folder or cache_folder()).absolute()
    home = cache / version
    if not home.is_dir():
        _fetch(version, pinned, cache)
    _compare(home, pinned, version)
    return os.pathsep.join(str(home / name) for name in pinned)


def cache_folder() -> Path:
    """Where jars are kept, a folder for each version: TEXTSIEVE_KAFKA_JARS, else in the user's cache."""
    if stated := os.environ.get(FOLDER_VARIABLE):
        return Path(stated).expanduser()
    if stated := os.environ.get("XDG_CACHE_HOME"):
        return Path(stated) / "textsieve" / "kafka"
    caches = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
    return Path.home().joinpath(*caches, "textsieve", "kafka")


def versions(pins: Path = PINS) -> list[str]:
    """Those whose jars are pinned, the oldest first."""
    return sorted((path.stem for path in pins.glob("*.sha256")), key=lambda name: [*map(int, name.split("."))])


def _pinned(version: str, pins: Path) -> dict[str, str]:
    """Checksum by name of jar."""
    if version not in versions(pins):
        raise WrongJars(
            f"expected a version of Kafka whose jars are pinned ({', '.join(versions(pins))}), got {version}"
        )
    lines = (pins / f"{version}.sha256").read_text(encoding="ascii").splitlines()
    return {name: checksum for checksum, name in (line.split() for line in lines)}


def _fetch(version: str, pinned: Mapping[str, str], cache: Path) -> None:
    """Fill a folder beside the place and rename it there: whoever is killed in between leaves no half of a cache."""
    maven = shutil.which("mvn")
    if maven is None:
        raise BinaryMissing(
            f"expected the jars of Kafka {version} in {cache}, or Maven to fetch them: install Maven (Debian and"
            f" Ubuntu: apt install default-jre-headless maven), or name a folder that has them with {FOLDER_VARIABLE}"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        if (cache / version).is_dir():  # somebody else fetched them while we waited
            return
        for left_behind in cache.glob("partial-*"):  # of a fetch that was killed: we are alone here
            shutil.rmtree(left_behind)
        with tempfile.TemporaryDirectory(prefix="partial-", dir=cache) as partial:
            jars = Path(partial) / version
            _copy_dependencies(maven, version, jars)
            _compare(jars, pinned, version)
            jars.rename(cache / version)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it when we end, however we end
        yield


def _copy_dependencies(maven: str, version: str, jars: Path) -> None:
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}", f"-Dkafka.version={version}")
    command = [maven, "--quiet", "--batch-mode", "--file", str(POM), *goal]
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MAVEN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BinaryMissing(f"expected Maven to bring Kafka {version} within {MAVEN_SECONDS} s, it did not") from error
    if run.returncode:
        words = "\n".join((run.stdout + run.stderr).strip().splitlines()[-10:])
        raise BinaryMissing(f"expected Maven to bring the jars of Kafka {version}, it ended with:\n{words}")


def _compare(jars: Path, pinned: Mapping[str, str], version: str) -> None:
    found = {path.name: _checksum(path) for path in jars.glob("*.jar")}
    wrong = sorted(name for name in pinned.keys() | found.keys() if pinned.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise WrongJars(
            f"expected the pinned jars of Kafka {version} in {jars}; {len(wrong)} differ, the first is {name}:"
            f" sha256 {pinned.get(name, 'none: it does not belong there')} expected,"
            f" {found.get(name, 'none: it is not there')} got. Remove that folder, and they are fetched again"
        )


def _checksum(path: Path) -> str:
    with path.open("rb") as jar:
        return hashlib.file_digest(jar, "sha256").hexdigest()
