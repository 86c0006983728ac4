"""What the process that measures the engines is told; apart from it, since that one loads torch."""

import msgspec


class Task(msgspec.Struct):
    """What to measure."""

    engines: list[str]  # of VARIANTS, the reference among them
    texts: list[str]
    accuracy: dict[str, list[str]]  # data set -> texts
    rounds: int
    gemm_seconds: float
    forward_seconds: float  # of each round and engine
    length_seconds: float  # of each length, 0 leaves them out
    cache: str  # folder of exported graphs and of the engines' choice
