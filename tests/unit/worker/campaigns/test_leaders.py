import numpy as np

from textsieve.worker.campaigns.leaders import Leader, Leaders
from textsieve.worker.campaigns.minhash import signatures

FEE = "your parcel is held at customs, pay the fee today"
FEE_TOO = "your parcel is held at customs, pay the fees today"
LUNCH = "shall we have lunch on tuesday with sam and the others"


def leader(text: str) -> Leader:
    return Leader.of(signatures([text])[0], 17)


def test_an_id_follows_from_the_signature_alone() -> None:
    assert leader(FEE).id == Leader.of(signatures([FEE])[0], 99).id
    assert leader(FEE).id != leader(FEE_TOO).id
    assert 12 == len(leader(FEE).id)


def test_a_message_belongs_to_the_leader_it_resembles_most() -> None:
    leaders = Leaders()
    for text in (FEE_TOO, FEE, LUNCH):
        leaders.add(leader(text))

    matches = leaders.match(signatures([FEE, LUNCH, "nothing of the kind at all"]), at_least=0.4)

    assert [leader(FEE).id, leader(LUNCH).id, None] == list(matches.ids)
    assert [1, 1, 0] == matches.similarities.tolist()


def test_a_leader_too_little_alike_has_no_followers() -> None:
    leaders = Leaders()
    leaders.add(leader(FEE))

    matches = leaders.match(signatures([FEE_TOO]), at_least=0.99)

    assert [None] == list(matches.ids)
    assert [0] == matches.similarities.tolist()


def test_a_leader_that_went_is_not_found_and_leaves_nothing_behind() -> None:
    leaders = Leaders()
    for text in (FEE, FEE_TOO):
        leaders.add(leader(text))

    leaders.keep_only({leader(FEE).id})

    assert [leader(FEE).id] == list(leaders.match(signatures([FEE_TOO]), at_least=0.4).ids)
    assert leader(FEE_TOO).id not in leaders
    assert 16 == len(leaders._by_key)


def test_a_leader_that_comes_twice_is_held_once() -> None:
    leaders = Leaders()
    leaders.add(leader(FEE))
    leaders.add(leader(FEE))

    assert 1 == len(leaders)
    assert {1} == {len(found) for found in leaders._by_key.values()}


def test_the_first_message_of_a_campaign_tells_when_it_began() -> None:
    leaders = Leaders()
    leaders.add(leader(FEE))

    assert 17 == leaders.first_seen_ms(leader(FEE).id)
    assert leader(FEE).signature.dtype == np.uint32
