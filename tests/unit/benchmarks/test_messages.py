"""What each message of a chaos run must come to."""

from collections import Counter
from random import Random

import pytest

from benchmarks.chaos.messages import KEYS, Sort, id_of, message, ordinary_sort


@pytest.mark.parametrize("sort", [Sort.PLAIN, Sort.BULKY])
def test_a_good_message_must_come_back_with_its_id(sort):
    assert "m-7" == id_of(message(7, sort, partitions=4, rng=Random(1)).value)


@pytest.mark.parametrize("sort", [Sort.POISON, Sort.FAILING])
def test_a_bad_message_belongs_to_the_dead_letters(sort):
    assert id_of(message(7, sort, partitions=4, rng=Random(1)).value) is None


def test_a_key_always_goes_to_the_same_partition():
    rng = Random(1)
    made = [message(number, Sort.PLAIN, partitions=4, rng=rng) for number in range(1000)]

    assert KEYS == len({(m.key, m.partition) for m in made})


def test_the_ordinary_stream_has_a_little_of_what_is_bad():
    rng = Random(1)
    sorts = Counter(ordinary_sort(rng) for _ in range(10_000))

    assert 50 < sorts[Sort.POISON] < 200
    assert 20 < sorts[Sort.FAILING] < 100
    assert 0 == sorts[Sort.BULKY]
