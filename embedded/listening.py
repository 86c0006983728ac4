"""Who listens on a loopback port."""

import itertools
import random
import socket
import sys
from contextlib import suppress
from pathlib import Path

from textsieve.embedded.errors import StartFailed

LOOPBACK = "127.0.0.1"
LASTING = range(20_000, 32_000)  # below what Linux and macOS give to outgoing connections
LISTEN = "0A"  # state column of /proc/net/tcp


def free_port() -> int:
    """A port that nobody used a moment ago; somebody else may take it before we do."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def lasting_ports(count: int) -> list[int]:
    """So many free ports that no outgoing connection is given, also while their server is away for a while.

    A client that tries again and again to reach a port of the range for outgoing connections may be given that very
    port, and then it reaches itself.

    Raises:
        StartFailed: There are not so many.
    """
    free = (port for port in random.sample(LASTING, len(LASTING)) if not is_taken(port))
    found = list(itertools.islice(free, count))
    if len(found) < count:
        raise StartFailed(f"expected {count} free ports in {LASTING.start}-{LASTING.stop - 1}, got {len(found)}")
    return found


def is_taken(port: int) -> bool:
    """True while some process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger do not count
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def owns_listener(pid: int, port: int) -> bool:
    """Whether the process itself owns the listening socket; always True where /proc cannot tell."""
    if sys.platform != "linux":
        return True
    return not _listening_inodes(pid, port).isdisjoint(socket_inodes(pid))


def _listening_inodes(pid: int, port: int) -> set[str]:
    try:
        rows = Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]
    except OSError:  # it has just ended
        return set()
    columns = [row.split() for row in rows]
    return {row[9] for row in columns if row[3] == LISTEN and int(row[1].partition(":")[2], 16) == port}


def socket_inodes(pid: int) -> set[str]:
    """Of the sockets that a process has open; empty when it has ended."""
    inodes = set()
    with suppress(OSError):  # it has just ended
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes
