"""Waits for what happens in other processes."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], *, seconds: float = 60.0) -> bool:
    """Whether it became true in time: much of it, for a loaded machine; on another the wait ends early."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
