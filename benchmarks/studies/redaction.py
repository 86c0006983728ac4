"""How much of what is personal redaction finds, how much that is not it takes for it, and its cost.

Items and what only looks like them are generated, and put into real texts of the data sets that TEXTSIEVE_DATA names.
Seeds for working on the code and seeds for judging it are kept apart. Texts count as whole: an item is found where the
text that is left is the carrier with `[kind]` in the item's place, and nothing else of it has changed.

    TEXTSIEVE_DATA=... python -m benchmarks.studies.redaction
"""

import argparse
import gzip
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks import machine
from benchmarks.studies.planted import ITEMS, LOOK_ALIKES, REGIONS, phone
from textsieve.worker.redaction import KINDS, Redactor

HERE = Path(__file__).parent.parent
SEEDS = {"developed": range(2), "held out": range(200, 205)}
CARRIERS = ("clinc150", "banking77")
CLEAN = ("sms_spam", "clinc150", "banking77", "davidson_hate", "news_aggregator_1k", "sib200_12lang")
EACH = 200  # texts of a kind and seed
REPEATS = 7
_NINE_DIGITS = re.compile(r"\d{9}")  # of a real text that holds no order numbers: a number that was not found


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what should be left of it."""

    text: str
    expected: str
    kind: str  # of what was planted, "" where it only looks like something
    shape: str  # of the look-alike, or the kind


def main() -> int:
    """Measure and write results/redaction.json."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    if "TEXTSIEVE_DATA" not in os.environ:
        print(f"TEXTSIEVE_DATA: expected the folder with {', '.join(CLEAN)} (.jsonl.gz), got none", file=sys.stderr)
        return 2
    folder = Path(os.environ["TEXTSIEVE_DATA"])
    carriers = [text for name in CARRIERS for text, _ in texts(folder, name)]
    whole = {
        "found": {name: found(carriers, seeds) for name, seeds in SEEDS.items()},
        "real texts": {name: touched(list(texts(folder, name))) for name in CLEAN},
        "cost": cost([text for text, _ in texts(folder, "sms_spam")]),
        "machine": {**machine.described("phonenumberslite"), "state": "busy with other work"},
    }
    written = json.dumps(whole, indent=1)
    (HERE / "results" / "redaction.json").write_text(written + "\n", encoding="utf-8")
    print(written)
    return 0


def found(carriers: Sequence[str], seeds: range) -> dict[str, object]:
    """Recall and precision by kind, of phones by region, and what look-alikes were taken for."""
    cases: dict[str, list[Case]] = {}
    for seed in seeds:
        rng = Random(seed)
        for kind, make in ITEMS.items():
            cases.setdefault(kind, []).extend(_case(rng, carriers, make(rng), kind, kind) for _ in range(EACH))
        for shape, look in LOOK_ALIKES.items():
            cases.setdefault("", []).extend(_case(rng, carriers, look(rng), "", shape) for _ in range(EACH))
    plain = Redactor.of([kind for kind in KINDS if kind != "phone"])
    others = [case for kind in (*ITEMS, "") for case in cases[kind]]
    rows: dict[str, object] = {kind: judged(plain, kind, others) for kind in ITEMS}
    for region in REGIONS:
        numbers = []
        for seed in seeds:
            rng = Random(seed)
            numbers += [_case(rng, carriers, phone(rng, region), "phone", region) for _ in range(EACH)]
        rows[f"phone {region}"] = judged(Redactor.of(regions=[region]), "phone", [*numbers, *others])
    return rows


def judged(redactor: Redactor, kind: str, cases: Sequence[Case]) -> dict[str, object]:
    """Recall over the texts with the kind, precision over all texts."""
    planted = taken = right = called = 0
    mistaken, missed = Counter[str](), 0
    for case in cases:
        redacted = redactor.redact(case.text)
        called += redacted.counts.get(kind, 0)
        if case.kind == kind:
            planted += 1
            taken += redacted.text == case.expected
            right += min(redacted.counts.get(kind, 0), 1)
            missed += not redacted.counts.get(kind)
        elif redacted.counts.get(kind):
            mistaken[case.shape] += 1
    return {
        "planted": planted,
        "recall": round(taken / planted, 4),
        "not found at all": missed,
        "other texts": len(cases) - planted,
        "precision": round(right / called, 4) if called else None,
        "mistaken": dict(mistaken.most_common()),
    }


def touched(rows: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Of how many real texts something is taken, by label where there are few."""
    redactor = Redactor.of(regions=["GB"])
    labels = {label for _, label in rows} if len({label for _, label in rows}) <= 3 else {""}  # noqa: PLR2004
    found: dict[str, object] = {}
    for label in sorted(labels):
        redacted = [redactor.redact(text) for text, own in rows if not label or own == label]
        counts = [one.counts for one in redacted]
        changed = [set(count) for count in counts if count]
        found[label or "all"] = {
            "texts": len(counts),
            "changed": len(changed),
            "share": round(len(changed) / len(counts), 5),
            "nine digits in a row left": sum(_NINE_DIGITS.search(one.text) is not None for one in redacted),
            "by kind": dict(Counter(kind for kinds in changed for kind in sorted(kinds))),
        }
    return found


def cost(messages: Sequence[str]) -> dict[str, object]:
    """CPU time by text: median over repeats, with telephone numbers looked up anew and remembered."""
    rows: dict[str, object] = {
        "texts": len(messages),
        "mean_characters": round(statistics.fmean(map(len, messages)), 1),
    }
    for name, regions in {"one region": ["GB"], "three regions": ["GB", "US", "DE"]}.items():
        fresh, warm = [], []
        for _ in range(REPEATS):
            redactor = Redactor.of(regions=regions)
            fresh.append(_seconds(redactor, messages))
            warm.append(_seconds(redactor, messages))
        rows[name] = {
            "microseconds_per_text": round(statistics.median(fresh) / len(messages) * 1e6, 1),
            "lowest_and_highest": [round(value / len(messages) * 1e6, 1) for value in (min(fresh), max(fresh))],
            "microseconds_per_text_seen_before": round(statistics.median(warm) / len(messages) * 1e6, 1),
        }
    return rows


def _seconds(redactor: Redactor, messages: Sequence[str]) -> float:
    began = time.process_time()
    for text in messages:
        redactor.redact(text)
    return time.process_time() - began


def _case(rng: Random, carriers: Sequence[str], item: tuple[str, str], kind: str, shape: str) -> Case:
    """The item between two words of a real text, or at an end of it, sometimes with a sign beside it."""
    words = rng.choice(carriers).split()
    place = rng.randint(0, len(words))
    before, after = " ".join(words[:place]), " ".join(words[place:])
    lead, tail = rng.choice([("", ""), ("", "."), ("(", ")"), (": ", ""), ("", ","), ('"', '"')])
    shown, left = item
    parts = [(before, before), (f"{lead}{shown}{tail}", f"{lead}{left}{tail}"), (after, after)]
    return Case(" ".join(a for a, _ in parts if a), " ".join(b for _, b in parts if b), kind, shape)


def texts(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Text and label of every row of a data set."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["text"], str(row.get("label", ""))


if __name__ == "__main__":
    sys.exit(main())
