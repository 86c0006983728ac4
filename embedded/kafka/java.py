"""How a class of Kafka's jars is run."""

import os
import shutil
from pathlib import Path

from textsieve.embedded.errors import BinaryMissing

SMALL = (  # measured on two cores: listens after 2.3 s instead of 5, at 200 MB
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
)
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
)


def java_command(classpath: str, main: str, *arguments: str, heap_mb: int = 256) -> tuple[str, ...]:
    """The command line of one main class, its log on stderr.

    Raises:
        BinaryMissing: There is no Java.
    """
    return (java_program(), f"-Xmx{heap_mb}m", *SMALL, *LOGGING, "-cp", classpath, main, *arguments)


def java_program() -> str:
    """The Java of JAVA_HOME, else the first on PATH.

    Raises:
        BinaryMissing: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    if home and (program := Path(home, "bin", "java")).is_file():
        return str(program)
    if found := shutil.which("java"):
        return found
    raise BinaryMissing(
        "expected Java 17 or newer, for Apache Kafka: install it (Debian and Ubuntu:"
        " apt install default-jre-headless maven), or name its folder with JAVA_HOME"
    )
