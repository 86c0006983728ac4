"""What each message of a chaos run must come to."""

from collections import Counter
from random import Random

import pytest

from benchmarks.chaos.messages import KEYS, MessageKind, id_of, message, ordinary_kind


@pytest.mark.parametrize("kind", [MessageKind.PLAIN, MessageKind.BULKY])
def test_a_good_message_must_come_back_with_its_id(kind):
    assert "m-7" == id_of(message(7, kind, partitions=4, rng=Random(1)).value)


@pytest.mark.parametrize("kind", [MessageKind.POISON, MessageKind.FAILING])
def test_a_bad_message_belongs_to_the_dead_letters(kind):
    assert id_of(message(7, kind, partitions=4, rng=Random(1)).value) is None


def test_a_key_always_goes_to_the_same_partition():
    rng = Random(1)
    made = [message(number, MessageKind.PLAIN, partitions=4, rng=rng) for number in range(1000)]

    assert KEYS == len({(m.key, m.partition) for m in made})


def test_the_ordinary_stream_has_a_little_of_what_is_bad():
    rng = Random(1)
    kinds = Counter(ordinary_kind(rng) for _ in range(10_000))

    assert 50 < kinds[MessageKind.POISON] < 200
    assert 20 < kinds[MessageKind.FAILING] < 100
    assert 0 == kinds[MessageKind.BULKY]
