"""Every error of the embedded stack and the demo.

::

    EmbeddedError
    ├── BinaryMissing     no broker or store program was found for this platform
    ├── WrongJars         the jars of Apache Kafka are not those that are pinned
    ├── StartFailed       a program was started and did not come to serve
    │   └── PortTaken     somebody else listens where it should
    ├── ServerDied        a server that served has ended by itself
    ├── UnusableFile      there is nothing to send: the file does not fit
    └── DemoFailed        the demo could not finish; the message says what is missing
"""


class EmbeddedError(Exception):
    """Root of the tree; its message says what was expected, what it got, and which option to change."""


class BinaryMissing(EmbeddedError):
    """There is no program to start."""


class WrongJars(EmbeddedError):
    """A version of Kafka is not pinned, or its jars differ from the pinned checksums."""


class StartFailed(EmbeddedError):
    """A program ended, or stayed silent, before it served; the message ends with the tail of its log."""


class PortTaken(StartFailed):
    """Another process listens on the port."""


class ServerDied(EmbeddedError):
    """A running server ended although nobody asked it to."""


class UnusableFile(EmbeddedError):
    """The file for the demo cannot be read, or holds too little."""


class DemoFailed(EmbeddedError):
    """The demo ended without its summary."""
