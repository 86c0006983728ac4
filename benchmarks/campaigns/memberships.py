"""Whether the messages of a planted campaign, and no others, get one id."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from benchmarks.campaigns.mutations import MUTATIONS
from benchmarks.campaigns.planting import Message
from textsieve.worker.campaigns.membership import CampaignDetector
from textsieve.worker.normalization import normalize
from textsieve.worker.testing import MemoryLeaderStore

BATCH = 64  # messages of a batch


@dataclass(frozen=True, slots=True)
class Found:
    """What a stream came to.

    Attributes:
        ids: [messages]
        cpu_us: processor time of a message, without the normalisation, which the model needs anyway.
        stores: calls of the store.
    """

    ids: Sequence[str | None]
    cpu_us: float


def run(messages: Sequence[Message], *, workers: int) -> Found:
    """The campaigns that workers find who share the messages batch by batch, and follow the store after each."""
    store = MemoryLeaderStore()
    crew = [CampaignDetector(store, now_ms=lambda: 0) for _ in range(workers)]
    texts = [normalize(message.text).text for message in messages]
    ids: list[str | None] = [None] * len(texts)
    spent = 0.0
    for turn, start in enumerate(range(0, len(texts), BATCH)):
        worker, rows = crew[turn % workers], range(start, min(start + BATCH, len(texts)))
        began = time.process_time()
        found = worker.assign([texts[row] for row in rows], np.array(rows, np.uint64), np.array(rows, np.int64) * 100)
        spent += time.process_time() - began
        worker.synchronize()
        ids[rows.start : rows.stop] = found.ids
    return Found(ids, spent / len(texts) * 1e6)


def b_cubed(messages: Sequence[Message], ids: Sequence[str | None]) -> Mapping[str, Mapping[str, float]]:
    """Precision and recall of planted messages, by mutation: a message without an id is a campaign of its own.

    An ordinary message that has the id of a planted campaign counts against its precision (Amigo et al., 2009).
    """
    names = [id_ or f"alone {row}" for row, id_ in enumerate(ids)]
    found = Counter(names)
    planted = Counter(message.campaign for message in messages)
    both = Counter((name, message.campaign) for name, message in zip(names, messages, strict=True))
    precisions, recalls = defaultdict(list), defaultdict(list)
    for name, message in zip(names, messages, strict=True):
        if message.campaign >= 0:
            share = both[name, message.campaign]
            precisions[message.mutation].append(share / found[name])
            recalls[message.mutation].append(share / planted[message.campaign])
    rows = {
        mutation: {"precision": float(np.mean(precisions[mutation])), "recall": float(np.mean(recalls[mutation]))}
        for mutation in MUTATIONS
    }
    precision, recall = (float(np.mean(list(chain(*scores.values())))) for scores in (precisions, recalls))
    return {**rows, "all": {"precision": precision, "recall": recall}}


def ordinary(messages: Sequence[Message], ids: Sequence[str | None]) -> Mapping[str, int]:
    """How many ordinary messages resemble each other, too."""
    own = [id_ for message, id_ in zip(messages, ids, strict=True) if message.campaign < 0]
    return {
        "messages": len(own),
        "in a campaign": sum(id_ is not None for id_ in own),
        "largest": max(Counter(id_ for id_ in own if id_).values(), default=0),
    }
