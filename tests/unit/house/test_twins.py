from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_worker_and_producer_are_equally_patient_with_brokers():
    twins = [
        (ROOT / path).read_text() for path in ("worker/connectors/kafka/client/bootstrap.py", "producer/bootstrap.py")
    ]

    assert twins[0] == twins[1]
