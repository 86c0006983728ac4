import numpy as np
from numpy.typing import NDArray

from textsieve.worker.campaigns.minhash import signatures
from textsieve.worker.campaigns.recent import CAPACITY, NOBODY, RecentMessages

FEE = "your parcel is held at customs, pay the fee today"
FEE_TOO = "your parcel is held at customs, pay the fees today"
LUNCH = "shall we have lunch on tuesday with sam and the others"


def sources(*numbers: int) -> NDArray[np.uint64]:
    return np.array(numbers, np.uint64)


def test_the_nearest_earlier_message_is_found() -> None:
    recent = RecentMessages(capacity=10)
    recent.remember(signatures([FEE, LUNCH]), sources(1, 2), at_least=0.4)

    found = recent.remember(signatures([FEE_TOO]), sources(3), at_least=0.4)

    assert [2] == found.numbers.tolist()
    assert [0] == found.nearest.tolist()
    assert 0.7 < found.similarities[0] < 1


def test_the_nearest_message_may_be_of_the_same_batch() -> None:
    found = RecentMessages(capacity=10).remember(signatures([FEE, LUNCH, FEE, FEE]), sources(1, 2, 3, 4), at_least=0.4)

    assert [NOBODY, NOBODY, 0, 2] == found.nearest.tolist()
    assert [0, 0, 1, 1] == found.similarities.tolist()


def test_a_message_that_is_read_again_is_not_its_own_neighbour() -> None:
    recent = RecentMessages(capacity=10)
    recent.remember(signatures([FEE]), sources(1), at_least=0.4)

    found = recent.remember(signatures([FEE]), sources(1), at_least=0.4)

    assert [NOBODY] == found.nearest.tolist()


def test_messages_too_little_alike_are_no_neighbours() -> None:
    recent = RecentMessages(capacity=10)
    recent.remember(signatures([FEE]), sources(1), at_least=0.4)

    found = recent.remember(signatures([FEE_TOO]), sources(2), at_least=0.99)

    assert [NOBODY] == found.nearest.tolist()


def test_the_oldest_message_makes_room() -> None:
    recent = RecentMessages(capacity=3)
    recent.remember(signatures([FEE]), sources(0), at_least=0.4)
    for number in range(1, 4):
        recent.remember(signatures([f"{LUNCH} {'xyz'[number - 1] * 30}"]), sources(number), at_least=0.99)

    found = recent.remember(signatures([FEE]), sources(9), at_least=0.4)

    assert [NOBODY] == found.nearest.tolist()


def test_nothing_is_found_once_all_is_forgotten() -> None:
    recent = RecentMessages(capacity=3)
    recent.remember(signatures([FEE]), sources(0), at_least=0.4)
    recent.forget()

    found = recent.remember(signatures([FEE]), sources(1), at_least=0.4)

    assert [NOBODY] == found.nearest.tolist()


def test_numbers_start_again_before_they_overflow() -> None:
    recent = RecentMessages(capacity=3)
    recent._next = 2**31 - 1

    found = recent.remember(signatures([FEE, FEE]), sources(0, 1), at_least=0.4)

    assert [0, 1] == found.numbers.tolist()
    assert [NOBODY, 0] == found.nearest.tolist()


def test_an_empty_batch_finds_nothing() -> None:
    found = RecentMessages(capacity=3).remember(signatures([]), sources(), at_least=0.4)

    assert [] == found.nearest.tolist()


def test_a_hundred_thousand_messages_take_less_than_64_megabytes() -> None:
    assert RecentMessages(CAPACITY).nbytes < 64_000_000
