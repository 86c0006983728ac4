import pytest

from textsieve.embedded.results import Source, attribute, header, labelled, source_of
from textsieve.worker.records import Record

VALUE = (
    b'{"label": "spam", "text": "win", "cluster": {"id": 3, "distance": 0.5, "version": 9}, "processed_ms": 1700,'
    b' "source": {"timestamp_ms": 200}, "attributes": {"label": "ham", "age": 4}}'
)


def record(*headers: tuple[str, bytes]) -> Record:
    return Record("labels", 0, 0, None, VALUE, 0, headers)


def test_a_result_is_understood() -> None:
    result = labelled(record(("textsieve.source", b"messages/3/1042"), ("textsieve.worker", b"w1")))

    assert Source("messages", 3, 1042) == result.source
    assert ("w1", "spam", "win", 3, 1.5) == (
        result.worker,
        result.label,
        result.text,
        result.cluster.id,
        result.latency_seconds,
    )
    assert ("ham", 4, None) == tuple(attribute(result, name) for name in ("label", "age", "absent"))


@pytest.mark.parametrize("said", [b"", b"messages", b"messages/0", b"messages/0/x"])
def test_a_source_that_cannot_be_read_is_none(said) -> None:
    assert source_of(record(("textsieve.source", said))) is None


def test_the_last_header_of_a_name_counts() -> None:
    assert "ours" == header(record(("name", b"theirs"), ("name", b"ours")), "name")
