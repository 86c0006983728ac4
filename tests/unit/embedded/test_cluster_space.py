"""What the store answers about a cluster space."""

import pytest

from textsieve.embedded.cluster_space import delete_space, read_space
from textsieve.embedded.errors import DemoFailed


@pytest.mark.parametrize("ask", [read_space, delete_space])
def test_a_url_of_something_else_is_refused_with_the_option(ask) -> None:
    with pytest.raises(DemoFailed, match="--redis-url: expected redis://host:port/db, got localhost"):
        ask("localhost", "space")
