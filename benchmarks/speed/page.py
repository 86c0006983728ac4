"""Writes a run's figures into the pages that show them, between marks: no figure is typed by hand."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.speed.figures import quotients
from benchmarks.speed.processors import HANDS, KINDS, OURS
from benchmarks.speed.verdict import CEILINGS, TARGETS, reached

ROOT = Path(__file__).parents[2]
PAGES = ("docs/benchmarks.md", "docs/scaling.md", "README.md")
ROW_BYTES = 384 * 4 + 64  # of a result that is not learned yet: worker.clustering.online counts so
MARK_BYTES = 60  # of a partition's watermark in the store, about
CONFLICTS = 0.1  # lost races that cost little: one learn in ten is done twice
MIB, GB = 1024**2, 1e9
SIZES = ((1, 1_000), (10, 10_000), (100, 100_000), (1_000, 1_000_000))  # workers, messages a second together


def update(found: Mapping[str, Any], root: Path = ROOT) -> list[Path]:
    """Rewrite every marked block of the pages; returns those that changed."""
    changed = []
    for name in PAGES:
        path = root / name
        before = path.read_text(encoding="utf-8")
        after = filled(before, found)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


def filled(page: str, found: Mapping[str, Any]) -> str:
    """A page whose blocks `<!-- measured NAME -->` ... `<!-- end -->` hold the figures of a run."""

    def fill(block: re.Match[str]) -> str:
        return f"{block[1]}\n\n{BLOCKS[block[2]](found).strip()}\n\n{block[3]}"

    return re.sub(r"(<!-- measured ([a-z-]+) -->).*?(<!-- end -->)", fill, page, flags=re.DOTALL)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _where(found: Mapping[str, Any]) -> str:
    about = found["about"]
    machine = about["machine"]
    versions = ", ".join(f"{name} {machine[name]}" for name in ("torch", "onnxruntime", "transformers", "kafka-python"))
    again = "".join(f" Measured again later, on the same machine: {name}." for name in about.get("again", ()))
    return (
        f"{machine['cpu']} ({machine['instructions']}), Python {machine['python']}, {versions}; {about['texts']},"
        f" {about['distinct_texts']:,} distinct texts, {found['engines']['mean_tokens']:.1f} tokens on average; seed"
        f" {about['seed']}; load before the run {about['load_before']}.{again} Everything, with all rounds:"
        " [speed.json](../benchmarks/results/speed.json)."
    )


def _sides(found: Mapping[str, Any]) -> str:
    rates = found["side_by_side"]
    script = rates["competent script"]["median"]
    rows = (
        (
            name,
            f"{told['median']:,.1f}",
            f"{told['lowest']:,.1f} to {told['highest']:,.1f}",
            f"{told['median'] / script:.1f}",
        )
        for name, told in rates.items()
    )
    return _table(("broker to broker, one core", "messages/s, median", "all rounds", "x the script"), rows)


def _engines(found: Mapping[str, Any]) -> str:
    told = found["engines"]
    data = list(told["accuracy"]["auto"])
    head = ["engine", "messages/s", "of the fp32 roof"]
    head += [f"{name}: labels as fp32, cosine mean (least)" for name in data]

    def rows() -> Iterator[Sequence[str]]:
        for name, forward in told["forward"].items():
            chosen = forward["engine"]
            shown = f"{name} (chose {chosen['engine']} {chosen['precision']})" if name in {"auto", "fp32"} else name
            yield (
                shown,
                f"{forward['messages_per_second']['median']:,.1f}",
                f"{forward['share_of_roof']:.0%}",
                *(
                    f"{one['label_agreement']:.2%}, {one['mean_cosine']:.4f} ({one['min_cosine']:.4f})"
                    for one in told["accuracy"][name].values()
                ),
            )

    roof = told["roof_tokens_per_second"]
    return (
        f"The roof: {told['gemm_gflop_per_second']['highest']:.0f} GFLOP/s in float32, at"
        f" {told['flop_per_token'] / 1e6:.1f} MFLOP a token {roof:,.0f} tokens/s, {roof / told['mean_tokens']:,.0f}"
        f" messages/s.\n\n{_table(head, rows())}"
    )


def _targets(found: Mapping[str, Any]) -> str:
    rows = (
        (
            f"`{name}`",
            f"{value:.4g}",
            ""
            if (target := TARGETS.get(name, CEILINGS.get(name))) is None
            else f"{'≥' if name in TARGETS else '≤'} {target:g}",
            {True: "reached", False: "**missed**", None: ""}[reached(name, value)],
        )
        for name, value in found["verdict"].items()
    )
    return _table(("figure", "measured", "target", ""), rows)


def _road(found: Mapping[str, Any]) -> str:
    rows = (
        (name, f"{told['median']:,.0f}", f"{told['lowest']:,.0f} to {told['highest']:,.0f}")
        for name, told in found["road"].items()
    )
    return _table(("no model, broker on the other core", "messages/s, median", "all rounds"), rows)


def _latency(found: Mapping[str, Any]) -> str:
    rows = (
        (
            load,
            f"{told['per_second']:,.0f}",
            *(f"{told[name] * 1000:,.0f} ms" for name in ("p50", "p95", "p99")),
            str(told["unanswered"]),
        )
        for load, told in found["latency"].items()
    )
    return _table(("load", "messages/s", "p50", "p95", "p99", "unanswered"), rows)


def _guarantee(found: Mapping[str, Any]) -> str:
    told = found["guarantee"]
    rows = (
        (
            f"`{way}`",
            f"{told['rates'][way]['median']:,.0f}",
            f"{told['rates'][way]['lowest']:,.0f} to {told['rates'][way]['highest']:,.0f}",
            *(f"{told['latency'][way][name] * 1000:,.0f} ms" for name in ("p50", "p99")),
        )
        for way in told["rates"]
    )
    per_second = next(iter(told["latency"].values()))["per_second"]
    table = _table(
        ("`delivery.guarantee`", "messages/s, median", "all rounds", f"p50 at {per_second:,.0f}/s", "p99"), rows
    )
    return (
        f"{table}\n\nRound by round, `exactly_once` answers {_rounds(told['factors'])} of what `at_least_once` does. A"
        f" transaction of 64 results alone takes {told['commit_milliseconds']:.0f} ms."
    )


def _shared(cores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {used:.2f}" for name, used in cores.items())


def _rounds(factors: Mapping[str, Any]) -> str:
    return f"{factors['median']:.2f} x, rounds {', '.join(f'{factor:.2f}' for factor in factors['rounds'])}"


def _rest(found: Mapping[str, Any]) -> str:
    scale, start, memory = found["scale"], found["start_up"], found["memory"]
    rows = [
        ("one worker, messages/s", f"{scale['1']['median']:,.1f}"),
        ("two workers, messages/s, the broker on the same two cores", f"{scale['2']['median']:,.1f}"),
        ("two workers beside one", f"efficiency {scale['efficiency']:.0%}, {_rounds(scale['factors'])}"),
        ("the model alone on two cores beside one", _rounds(scale["forward_factors"])),
        (
            "one worker beside the model alone on its core",
            _rounds(asdict(quotients(scale["1"]["rounds"], scale["forward"]["1"]["rounds"]))),
        ),
        *((f"cores used with {count} worker(s)", _shared(cores)) for count, cores in scale["cores"].items()),
        *(
            (
                f"start until ready, {name}",
                f"{told['ready_seconds']:.1f} s, first result {told['first_result_seconds']:.1f} s",
            )
            for name, told in start.items()
        ),
        (
            "memory after the warm-up and at the end",
            f"{memory['rss_start_mib']:.0f} and {memory['rss_end_mib']:.0f} MiB, {memory['messages']:,} messages",
        ),
        *(
            (f"{share} exact repeats, cache on, messages/s", f"{told['median']:,.1f}")
            for share, told in found["repeats"].items()
        ),
    ]
    return _table(("", "measured"), iter(rows))


def _clusters(found: Mapping[str, Any]) -> str:
    rows = (
        (
            k,
            f"{told['share']:.2%} of the time at {told['per_second']:,.0f} messages/s",
            f"{told['assign_us_per_message']:.1f} µs",
            f"{told['learn_ms']:.1f} ms",
            f"{told['state_bytes'] / 1000:,.0f} kB",
        )
        for k, told in found["clusters"].items()
    )
    return _table(("clusters", "assign, observe and learn", "assign, per message", "one learn", "state"), rows)


def _contention(found: Mapping[str, Any]) -> str:
    rows = (
        (
            str(told["workers"]),
            "every second" if told["every_seconds"] else "without a pause",
            f"{told['learns_per_second']:.1f}",
            f"{told['conflict_rate']:.1%}",
            str(told["most_retries"]),
            f"{told['learn_p50_ms']:.1f} / {told['learn_p99_ms']:.1f} ms",
            str(told["lost_rows"]),
        )
        for told in found["contention"]
    )
    head = (
        "workers",
        "learns",
        "learns/s together",
        "races lost",
        "most retries of a learn",
        "learn p50 / p99",
        "rows lost",
    )
    return _table(head, rows)


def _paper(found: Mapping[str, Any]) -> str:
    """State, bandwidth and conflicts at sizes that no machine of ours has."""
    return _table(
        (
            "workers, messages/s",
            "clusters",
            "state",
            "store traffic, learn every second",
            "races lost then",
            "learn every (10 % lost)",
            "rows held by a worker",
        ),
        (_paper_row(found["clusters"][k], workers, rate) for k in ("64", "1000") for workers, rate in SIZES),
    )


def _paper_row(told: Mapping[str, Any], workers: int, per_second: int) -> Sequence[str]:
    state = told["state_bytes"] + MARK_BYTES * workers
    hold = told["learn_ms"] / 1000  # between reading the revision and the compare-and-set: all of a learn at most
    lost = 1 - math.exp(-(workers - 1) * hold)
    every = max(1.0, (workers - 1) * hold / -math.log(1 - CONFLICTS))
    rows = per_second / workers * every * ROW_BYTES
    return (
        f"{workers:,}, {per_second:,}",
        f"{told['k']:,}",
        f"{state / 1e6:.2f} MB",
        f"{2 * state * workers / GB:.3f} GB/s",
        f"{lost:.0%}",
        f"{every:,.0f} s",
        f"{rows / MIB:,.0f} MiB",
    )


def _readme(found: Mapping[str, Any]) -> str:
    told, processors = found["verdict"], found.get("processors", {})
    hand = f", and {told['ratio_auto_vs_hand_loop']:.2f} times as many as the fastest loop we could write by hand"
    return (
        "![Messages per second of textsieve and of what others would do](benchmarks/results/speed-side-by-side.svg)\n\n"
        f"On one core, broker to broker, textsieve answers {told['ratio_auto_vs_script']:.1f} times as many"
        f" messages as a competent script around the same weights{'' if processors else hand}."
        f"{_kinds(processors) or ' '}"
        "How that was measured, and which of our targets were missed: [benchmarks](docs/benchmarks.md)."
    )


def _kinds(processors: Mapping[str, Any]) -> str:
    """A row for each kind of processor that a run was made on, the strongest first."""
    if not processors:
        return ""
    rows = (
        (
            f"{name} ({told['cpu'].partition(' x ')[2]})",
            f"{told['script']:,.0f}",
            *(f"{told[hand]:,.0f}" for hand in HANDS),
            f"{told[OURS]:,.0f} ({told['engine']})",
            f"{told['beside_hand']:.2f}",
        )
        for name in (*(name for _, name in KINDS), "other")
        if (told := processors.get(name))
    )
    head = ("messages/s on one core of", "script", *HANDS, "textsieve (engine)", "x the best loop")
    return (
        " Beside the fastest loop we could write by hand, by kind of processor as far as runs were made on one:\n\n"
        f"{_table(head, rows)}\n\n"
    )


BLOCKS = {
    "where": _where,
    "side-by-side": _sides,
    "engines": _engines,
    "targets": _targets,
    "road": _road,
    "latency": _latency,
    "guarantee": _guarantee,
    "rest": _rest,
    "clusters": _clusters,
    "contention": _contention,
    "paper": _paper,
    "readme": _readme,
}
