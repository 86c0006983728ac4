"""Which process owns a loopback connection, so that a proxy can cut off one worker and nobody else."""

import sys
from pathlib import Path

from textsieve.embedded.listening import socket_inodes

ESTABLISHED = "01"  # state column of /proc/net/tcp


def ports_of(pid: int) -> set[int]:
    """Local ports of the connections that a process has open; empty when it has ended."""
    inodes = socket_inodes(pid)
    try:
        rows = Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]
    except OSError:
        return set()
    columns = [row.split() for row in rows]
    return {int(row[1].partition(":")[2], 16) for row in columns if row[3] == ESTABLISHED and row[9] in inodes}


def can_tell() -> bool:
    """Whether this system says who owns a connection."""
    return sys.platform == "linux"
