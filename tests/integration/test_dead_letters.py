"""`python -m worker dead-letters` on a real broker: what it shows, what it sends back, and what it leaves."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from tests.integration.streams import Stream, texts
from tests.services import BROKERS, KAFKA, brokers
from textsieve.embedded.topics import Names

PRIVATE = b"my private words"


over_each_broker = pytest.mark.parametrize("stream", BROKERS, indirect=True)  # the others meet Apache Kafka


@pytest.fixture
def stream(request: pytest.FixtureRequest, store: str, names: Names) -> Iterator[Stream]:
    running = Stream(brokers(getattr(request, "param", KAFKA), request), store, names)
    yield running
    running.close()


def dead_letters(stream: Stream, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    options = [part for option in stream.settings(**settings) for part in ("--set", option)]
    return stream.python(["-m", "worker", "dead-letters", *arguments, *options])


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def replayed(stream: Stream) -> list[str]:
    headers = [header for message in stream.read(stream.names.messages) for header in message.headers]
    return sorted(value.decode().split("@")[0] for name, value in headers if name == "textsieve-replayed")


@pytest.fixture
def failed(stream: Stream) -> Stream:
    """Three results, and four dead letters: plain words twice, a list, and one from a topic that is no input."""
    process = stream.start()
    stream.wait_for_topics()
    stream.send([*texts(3), PRIVATE, PRIVATE, b"[1]"])
    stream.until_answered(6, learned=False)
    stream.stop(process)
    producer = KafkaProducer(bootstrap_servers=stream.broker)
    ours = {"textsieve.source": b"elsewhere/0/1", "textsieve.reason": b"not_json"}
    producer.send(stream.names.dead_letters, PRIVATE, headers=list(ours.items()), partition=0).get(timeout=60)
    producer.send(stream.names.dead_letters, b"a stranger's", partition=0).get(timeout=60)
    producer.close(timeout=5)
    return stream


def test_letters_are_listed_and_filtered_without_their_text(failed: Stream) -> None:
    table = dead_letters(failed, "list").stdout
    lines = [json.loads(line) for line in dead_letters(failed, "list", "--json").stdout.splitlines()]
    lists = dead_letters(failed, "list", "--json", "--reason", "not_an_object", "--show-text").stdout

    assert f"{failed.names.messages}/3/0" in table
    assert PRIVATE.decode() not in table
    assert "4 of 4 dead letters" in table
    assert 4 == len(lines)
    assert "text" not in lines[0]
    assert {"reason": "not_an_object", "text": "[1]", "key": "k5", "size_bytes": 3}.items() <= json.loads(lists).items()


def test_a_replay_says_first_what_it_would_do(failed: Stream) -> None:
    done = dead_letters(failed, "replay")

    assert 0 == done.returncode
    assert "nothing was sent: --yes sends 3 messages" in done.stdout
    assert "foreign" in done.stdout
    assert [] == replayed(failed)


def test_a_replay_sends_each_letter_once_however_often_it_is_run(failed: Stream) -> None:
    first = summary(dead_letters(failed, "replay", "--reason", "not_json", "--limit", "1", "--yes", "--json"))
    second = summary(dead_letters(failed, "replay", "--no-dry-run", "--json"))
    third = summary(dead_letters(failed, "replay", "--yes", "--json"))

    assert (1, 1) == (first["sent"], first["sendable"])
    assert (2, {"foreign": 1, "replayed": 1}) == (second["sent"], second["refused"])
    assert (0, {"foreign": 1, "replayed": 3}) == (third["sent"], third["refused"])
    topic = failed.names.messages
    assert [f"{topic}/0/1", f"{topic}/1/1", f"{topic}/3/0"] == replayed(failed)


@over_each_broker
def test_a_message_returns_as_it_was_and_a_second_failure_names_the_first(failed: Stream) -> None:
    before = {message.key: message for message in failed.read(failed.names.messages)}
    summary(dead_letters(failed, "replay", "--reason", "not_an_object", "--yes", "--json"))
    failed.start()

    answered = failed.until_answered(9, learned=False)  # the two that were put there by hand included

    letter = next(m for m in answered[1] if b"textsieve-replayed" in str(m.headers).encode())
    assert (b"k5", b"[1]") == (letter.key, letter.value)
    assert f"{failed.names.messages}/{before[b'k5'].partition}/{before[b'k5'].offset}" in str(letter.headers)
    again = summary(dead_letters(failed, "replay", "--reason", "not_an_object", "--json"))
    assert (1, {"replayed": 1}) == (again["sendable"], again["refused"])


def test_a_letter_that_was_cut_is_not_sent(stream: Stream) -> None:
    process = stream.start(output__max_message_bytes=2_000, input__max_value_bytes=1_000)
    stream.wait_for_topics()
    stream.send([b"x" * 3_000])
    stream.until_answered(1, learned=False)
    stream.stop(process)

    done = dead_letters(stream, "replay", "--yes", "--json")

    assert {"sendable": 0, "sent": 0, "refused": {"cut": 1}} == summary(done)


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        (["list", "--reason", "bad_mood"], {}, 2, "--reason"),
        (["list", "--since", "soon"], {}, 2, "--since"),
        (["replay", "--yes", "--dry-run"], {}, 2, "--dry-run"),
        (["list"], {"kafka__dead_letter_topic": "nowhere"}, 2, "nowhere"),
        (["list"], {"kafka__bootstrap_servers": "127.0.0.1:1"}, 1, "kafka.bootstrap_servers"),
    ],
)
def test_the_exit_code_tells_a_wrong_option_from_an_absent_broker(
    stream: Stream, arguments: list[str], settings: dict[str, object], code: int, said: str
) -> None:
    done = dead_letters(stream, *arguments, **settings)

    assert (code, True) == (done.returncode, said in done.stderr)


def test_a_refused_message_ends_the_replay_with_exit_1_and_says_how_far_it_came(stream: Stream) -> None:
    process = stream.start()
    stream.wait_for_topics()
    stream.send([b"words" * 2_000])
    stream.until_answered(1, learned=False)
    stream.stop(process)

    done = dead_letters(stream, "replay", "--yes", output__max_message_bytes=1_024)

    assert 1 == done.returncode
    assert "0 of 1 were acked" in done.stderr
