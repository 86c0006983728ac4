"""Runs a program that dies with the process that started it: `python die_with_parent.py PARENT_PID PROGRAM [ARG ...]`.

It stands between fork and exec, so that nothing runs inside a forked copy of the parent (a `preexec_fn` may deadlock
when the parent has threads). The program replaces this one and keeps its process id.

On Linux the kernel sends SIGKILL when the parent ends, however it ends. **The trap:** "the parent" is the *thread* that
started us, so start from the main thread, or the program dies with a short-lived thread. Elsewhere a forked watcher
waits for the end of a pipe, standard input, whose other end only the parent holds.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
CANNOT_RUN = 127  # the exit code a shell gives for a program it cannot start


def main(arguments: list[str]) -> NoReturn:
    """Tie this process to its parent, then become the program."""
    parent, program = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        _die_with_parent(parent)
    else:
        _watch_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execv(program[0], program)  # noqa: S606  # the launcher chose this program; no shell is wanted
    except OSError as error:
        sys.exit(_refusal(program[0], error))


def _die_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(CANNOT_RUN)


def _watch_parent() -> None:
    program = os.getpid()
    if os.fork():
        return
    while os.read(0, 1):
        pass
    if os.getppid() == program:  # else it ended before its parent, and its id may be somebody else's
        os.kill(program, signal.SIGKILL)
    os._exit(0)


def _refusal(program: str, error: OSError) -> int:
    sys.stderr.write(f"cannot run {program}: {error.strerror}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    main(sys.argv[1:])
