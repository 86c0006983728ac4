"""How often undoing disguises changes real texts that nobody disguised, how many disguised ones it finds, and its cost.

Reads the data sets that TEXTSIEVE_DATA names. HateCheck is split by functionality: its texts in leetspeak and in
letters apart are disguises; its Arabic in Latin letters, where digits are letters, is none.

    TEXTSIEVE_DATA=... python -m benchmarks.normalization
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from worker.normalization import normalize

HERE = Path(__file__).parent
CLEAN = ("sms_spam", "banking77", "clinc150", "davidson_hate", "sib200_12lang")
CASES = {"spell_leet_h": "leetspeak", "spell_space_add_h": "letters apart", "spell_sent_arabazi_h": "Arabizi"}
REPEATS = 7

Groups = dict[str, list[str]]


def main() -> int:
    """Count and write results/normalization.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args()
    if "TEXTSIEVE_DATA" not in os.environ:
        parser.error(f"TEXTSIEVE_DATA: expected the folder with {', '.join(CLEAN)} (.jsonl.gz), came none")
    folder = Path(os.environ["TEXTSIEVE_DATA"])
    found = {name: judge(texts) for name, texts in groups(folder).items()}
    machine = {"cpu": f"{os.cpu_count()} cores, busy with other work", "python": platform.python_version()}
    text = json.dumps({"groups": found, "repeats": REPEATS, "machine": machine}, indent=1)
    (HERE / "results" / "normalization.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


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


def judge(texts: list[str]) -> dict[str, float]:
    """What normalisation does to the texts; the time is CPU time, median over repeats."""
    readings = [normalize(text) for text in texts]
    marked = sum(reading.obfuscated for reading in readings)
    changed = sum(reading.text != text for text, reading in zip(texts, readings, strict=True))
    seconds = [_seconds(texts) for _ in range(REPEATS)]
    return {
        "texts": len(texts),
        "marked": marked,
        "marked_share": round(marked / len(texts), 5),
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
