"""How much may be looked up for one message: asking what a number is takes a hundred times longer than to read it."""

from dataclasses import dataclass

MOST_LOOKUPS = 1000  # of one message, 0.2 ms of CPU time each; a list of some hundred numbers takes as many


@dataclass(slots=True)
class Budget:
    """What is left of the lookups of one message, shared by its text and all of its fields.

    Attributes:
        left: below 1 nothing is looked up any more: what may be a number is taken out without asking.
    """

    left: int = MOST_LOOKUPS
