import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.producer.errors import ConfigurationError
from textsieve.producer.scenario import generate


def documents(count, **options):
    return [json.loads(message.value) for message in generate(count, malformed_share=0, **options)]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(), count=st.integers(min_value=0, max_value=50))
def test_the_same_seed_gives_the_same_messages(seed, count):
    assert list(generate(count, seed=seed)) == list(generate(count, seed=seed))


def test_another_seed_gives_other_messages():
    assert list(generate(50, seed=1)) != list(generate(50, seed=2))


def test_every_message_is_a_document_with_an_id_of_its_own():
    found = documents(200)

    assert [each["id"] for each in found] == [f"m-{number:06}" for number in range(1, 201)]
    assert all(each["text"].strip() and each["channel"] and each["expected"] in {"ham", "spam"} for each in found)


def test_about_seven_in_a_hundred_repeat_an_earlier_text():
    texts = [each["text"] for each in documents(2_000)]

    assert 0.05 < 1 - len(set(texts)) / len(texts) < 0.11


def test_spam_comes_in_several_campaigns_and_ham_in_many_topics():
    kinds = Counter((each["expected"], each["kind"]) for each in documents(2_000))

    assert {kind for label, kind in kinds if label == "spam"} == {"prize", "loan", "dating", "ringtone", "phishing"}
    assert len([kind for label, kind in kinds if label == "ham"]) >= 10
    assert min(kinds.values()) >= 40


def test_one_topic_appears_half_way():
    found = documents(1_000)

    assert "outage" not in {each["kind"] for each in found[:500]}
    assert "outage" in {each["kind"] for each in found[500:600]}


def fault(message):
    """What a worker would find wrong with a message, if anything."""
    if message.value is None:
        return "null_value"
    try:
        document = json.loads(message.value.decode())
    except UnicodeDecodeError:
        return "not_utf8"
    except ValueError:
        return "not_json"
    if not isinstance(document, dict):
        return "not_an_object"
    if "text" not in document:
        return "no_text"
    return None if document["text"] else "empty_text"


@pytest.mark.parametrize(("count", "share", "expected"), [(300, 0.01, 3), (100, 0, 0), (60, 0.2, 12), (5, 1, 5)])
def test_the_number_of_malformed_messages_is_exact(count, share, expected):
    assert sum(fault(message) is not None for message in generate(count, malformed_share=share)) == expected


def test_malformed_messages_are_malformed_in_every_way():
    faults = [fault(message) for message in generate(6, malformed_share=1)]

    assert sorted(faults) == ["empty_text", "no_text", "not_an_object", "not_json", "not_utf8", "null_value"]


def test_a_tombstone_has_the_key_that_kafka_asks_for():
    assert all(message.key for message in generate(600, malformed_share=1) if message.value is None)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_its_range_is_refused_at_once(share):
    with pytest.raises(ConfigurationError, match="malformed_share"):
        generate(10, malformed_share=share)
