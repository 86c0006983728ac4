"""How long everything is measured: a full run, and a quick one."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds and seconds.

    Attributes:
        sections: in order; some need what others found.
        messages: in the topic that all systems read; more than the fastest answers in a round.
        window_seconds: least steady window of a round.
    """

    sections: tuple[str, ...]
    rounds: int
    window_seconds: float
    messages: int
    engines: tuple[str, ...]
    engine_texts: int
    engine_rounds: int
    forward_seconds: float
    gemm_seconds: float
    length_seconds: float  # of each length and engine
    accuracy_texts: int
    road_rounds: int
    road_seconds: float
    road_messages: int
    latency_seconds: float = 20.0
    guarantee_rounds: int = 5
    scale_rounds: int = 5
    scale_seconds: float = 10.0
    repeat_rounds: int = 2
    cluster_seconds: float = 5.0
    race_seconds: float = 8.0
    memory_messages: int = 300_000


QUICK = Plan(
    sections=("engines", "side_by_side", "road", "metering"),
    rounds=1,
    window_seconds=7.0,
    messages=40_000,
    engines=("torch fp32", "fp32", "auto"),
    engine_texts=1000,
    engine_rounds=1,
    forward_seconds=1.0,
    gemm_seconds=2.0,
    length_seconds=0.0,
    accuracy_texts=300,
    road_rounds=1,
    road_seconds=3.0,
    road_messages=300_000,
    guarantee_rounds=1,
)
FULL = Plan(
    sections=(
        "engines",
        "side_by_side",
        "road",
        "metering",
        "latency",
        "guarantee",
        "scale",
        "repeats",
        "start_up",
        "clusters",
        "contention",
        "memory",
    ),
    rounds=3,
    window_seconds=15.0,
    messages=60_000,
    engines=("torch fp32", "onnx fp32", "onnx int8", "fp32", "auto"),
    engine_texts=2000,
    engine_rounds=3,
    forward_seconds=4.0,
    gemm_seconds=3.0,
    length_seconds=1.5,
    accuracy_texts=1500,
    road_rounds=3,
    road_seconds=4.0,
    road_messages=400_000,
)
# what a row of the README's table needs: the systems side by side, and the engine that one of them takes
ROW = replace(QUICK, sections=("engines", "side_by_side"), rounds=3)
