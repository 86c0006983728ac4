from types import SimpleNamespace

from textsieve.producer.bootstrap import least_failed


def test_a_server_that_failed_is_asked_again_only_after_all_others() -> None:
    servers = [SimpleNamespace(node_id=name) for name in ("a", "b", "c")]

    assert servers == least_failed(servers, {})
    assert servers[1:] == least_failed(servers, {"a": (1, 0.0, 0.0)})
    assert servers[:1] == least_failed(servers, {"a": (2, 0.0, 0.0), "b": (4, 0.0, 0.0), "c": (3, 0.0, 0.0)})
