"""Runs Python on one core: `python -m benchmarks.speed.pinned CORE arguments...`."""

import os
import sys

if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])  # noqa: S606  # the same program, no shell
