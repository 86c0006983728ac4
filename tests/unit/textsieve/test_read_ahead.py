"""A slow reader is followed item by item, a fast one in batches."""

from queue import Queue

import pytest

from textsieve.cli.read_ahead import batches_read_ahead


def test_every_item_comes_once_in_its_order_and_no_batch_is_too_large():
    batches = list(batches_read_ahead(range(1000), most=64))

    assert list(range(1000)) == [item for batch in batches for item in batch]
    assert max(map(len, batches)) <= 64


def test_an_item_is_not_held_back_until_more_come():
    source = Queue()
    batches = batches_read_ahead(iter(source.get, None), most=64)
    source.put("first")

    assert ["first"] == next(batches)
    source.put(None)
    assert [] == list(batches)


def test_what_reading_raises_comes_after_the_items_before_it():
    def broken():
        yield 1
        raise ValueError("broken off")

    seen = []
    with pytest.raises(ValueError, match="broken off"):
        seen.extend(item for batch in batches_read_ahead(broken(), most=64) for item in batch)
