"""How often undoing disguises marks texts that nobody disguised, how many disguised ones it finds, and its cost.

Reads the data sets that TEXTSIEVE_DATA names. HateCheck is split by functionality: its texts in leetspeak and in
letters apart are disguises; its Arabic in Latin letters, where digits are letters, is none. `--summaries` takes what
packages say of themselves, where most names with digits stand: a file with one text a line, behind the last tab, such
as the name and the summary of every project of a package index. Each distinct one that is not blank counts once.

    TEXTSIEVE_DATA=... python -m benchmarks.studies.normalization --summaries summaries.tsv
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.studies.disguise_recipes import DEVELOPED, HELD_OUT, RECIPES, disguised, plain
from textsieve.worker.normalization import normalize

RESULTS = Path(__file__).parents[1] / "results"
CLEAN = ("sms_spam", "banking77", "clinc150", "davidson_hate", "sib200_12lang")
CASES = {"spell_leet_h": "leetspeak", "spell_space_add_h": "letters apart", "spell_sent_arabazi_h": "Arabizi"}
WORDS = {"developed": (DEVELOPED, range(5)), "held out": (HELD_OUT, range(100, 105))}  # with their seeds
REPEATS = 7

Groups = dict[str, list[str]]


def main() -> int:
    """Count and write results/normalization.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--summaries", type=Path, help="what packages say of themselves, behind the last tab of a line")
    arguments = parser.parse_args()
    if "TEXTSIEVE_DATA" not in os.environ:
        parser.error(f"TEXTSIEVE_DATA: expected the folder with {', '.join(CLEAN)} (.jsonl.gz), got none")
    texts = groups(Path(os.environ["TEXTSIEVE_DATA"]))
    if arguments.summaries is not None:
        texts["package summaries"] = summaries(arguments.summaries)
    found = {name: judge(group) for name, group in texts.items()}
    machine = {"cpu": f"{os.cpu_count()} cores, busy with other work", "python": platform.python_version()}
    whole = {"recall": recall(), "groups": found, "repeats": REPEATS, "machine": machine}
    text = json.dumps(whole, indent=1)
    (RESULTS / "normalization.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def recall() -> dict[str, dict[str, float]]:
    """The share of disguised words that are marked and read as they were, by words and recipe."""
    found: dict[str, dict[str, float]] = {}
    for name, (words, seeds) in WORDS.items():
        asked, read = Counter[str](), Counter[str]()
        for recipe, word, seed in ((recipe, word, seed) for recipe in RECIPES for word in words for seed in seeds):
            text, expected = disguised(word, recipe, seed), plain(word, recipe, seed)
            if text != expected:
                reading = normalize(text)
                asked[recipe] += 1
                read[recipe] += bool(reading.rules) and reading.text.lower() == expected.lower()
        shares = {recipe: round(read[recipe] / asked[recipe], 3) for recipe in RECIPES}
        found[name] = {
            "words": len(words),
            "asked": asked.total(),
            "all": round(read.total() / asked.total(), 4),
            **shares,
        }
    return found


def summaries(path: Path) -> list[str]:
    """Each distinct text that is not blank, behind the last tab of the lines after the first."""
    with path.open(encoding="utf-8") as file:
        next(file, None)  # names of columns
        return sorted({line.rstrip("\n").rpartition("\t")[2].strip() for line in file} - {""})


def groups(folder: Path) -> Groups:
    """Texts by data set, the many languages apart, and of HateCheck by case."""
    found: Groups = {}
    for name in CLEAN:
        for row in _rows(folder, name):
            group = f"{name} {row['lang']}" if name.startswith("sib200") else name
            found.setdefault(group, []).append(row["text"])
    for row in _rows(folder, "hatecheck_multilingual"):
        case = CASES.get(row["functionality"], "other")
        language = "" if case == "Arabizi" else " en" if row["lang"] == "en" else " others"
        found.setdefault(f"hatecheck{language} {case}", []).append(row["text"])
    return found


def judge(texts: list[str]) -> dict[str, object]:
    """What normalisation does to the texts; the time is CPU time, median over repeats."""
    readings = [normalize(text) for text in texts]
    marked = sum(bool(reading.rules) for reading in readings)
    changed = sum(reading.text != text for text, reading in zip(texts, readings, strict=True))
    seconds = [_seconds(texts) for _ in range(REPEATS)]
    return {
        "texts": len(texts),
        "marked": marked,
        "marked_share": round(marked / len(texts), 5),
        "marked_by": dict(Counter(rule for reading in readings for rule in reading.rules)),
        "changed_without_mark": changed - marked,
        "mean_characters": round(statistics.fmean(map(len, texts)), 1),
        "microseconds_per_text": round(statistics.median(seconds) / len(texts) * 1e6, 2),
    }


def _seconds(texts: list[str]) -> float:
    began = time.process_time()
    for text in texts:
        normalize(text)
    return time.process_time() - began


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row: dict[str, str] = json.loads(line)
            yield row


if __name__ == "__main__":
    sys.exit(main())
