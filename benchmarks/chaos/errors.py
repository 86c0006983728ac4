"""What can keep a chaos run from saying anything.

::

    ChaosError
    ├── RunFailed      the surroundings of the run did not work; the product was not judged
    └── FaultMissed   a fault could not be injected where it should: it is tried again, never counted
"""


class ChaosError(Exception):
    """Root of the tree."""


class RunFailed(ChaosError):
    """The run could not be carried out."""


class FaultMissed(ChaosError):
    """No worker came by the fault point with unfinished messages in time."""
