"""The store: where it is, how it is built, and how a worker logs in."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from textsieve.worker.settings.section import Names, Section, refuse_unused, with_a_port

_REDIS_NODE = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", re.ASCII)
_REDIS_URL = re.compile(rf"rediss?://{_REDIS_NODE.pattern}(/\d{{0,5}})?", re.ASCII)


def _redis_nodes(nodes: tuple[str, ...]) -> tuple[str, ...]:
    for node in nodes:
        if not _REDIS_NODE.fullmatch(node):
            raise ValueError(f"expected host:port, got {node}")
    return nodes


class RedisSettings(Section):
    """Where the centroids are shared."""

    retries: ClassVar[int] = 2  # tries after the first, for a connection that was cut: the loop tries again later

    url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="redis://host:port/db or rediss://host:port/db (TLS), nothing else in it.",
    )
    topology: Literal["single", "sentinel", "cluster"] = Field(
        "single",
        description="What `redis.url` names: the server itself, a `sentinel` that knows it, or a node of a `cluster`.",
    )
    nodes: Annotated[Names, AfterValidator(with_a_port), AfterValidator(_redis_nodes)] | None = Field(
        None,
        description="More sentinels or cluster nodes (host:port, comma separated), asked where that of `redis.url` is"
        " away.",
    )
    sentinel_service: str | None = Field(None, description="What the sentinels call the primary.")
    sentinel_username: str | None = Field(None, description="ACL user of the sentinels, if they have one.")
    sentinel_password: SecretStr | None = Field(None, description="Password of the sentinels, if they have one.")
    username: str | None = Field(None, description="ACL user.")
    password: SecretStr | None = Field(None, description="Password of the ACL user.")
    ssl_cafile: Path | None = Field(None, description="CA certificates for rediss://.")
    ssl_certfile: Path | None = Field(None, description="Client certificate for rediss:// (PEM).")
    ssl_keyfile: Path | None = Field(None, description="Key of the client certificate (PEM).")
    ssl_password: SecretStr | None = Field(None, description="Password of the key.")
    timeout_seconds: float = Field(
        2.0, gt=0, le=3600, description="Patience for one command before classification goes on without."
    )

    @model_validator(mode="after")
    def _url_says_where_alone(self) -> Self:
        if not _REDIS_URL.fullmatch(self.url):  # a query could hold a password, or switch the checks of TLS off
            raise ValueError(
                "redis.url: expected redis://host:port/db or rediss://host:port/db without user, password or query; set"
                " redis.username, redis.password and redis.ssl_*"
            )
        if self.url.startswith("redis://"):
            refuse_unused(self, "ssl_", because="redis.url does not begin with rediss://")
        return self

    @model_validator(mode="after")
    def _topology_has_what_it_needs(self) -> Self:
        because = f"redis.topology is {self.topology}"
        if self.topology != "sentinel":
            refuse_unused(self, "sentinel_", because=because)
        elif self.sentinel_service is None:
            raise ValueError(f"redis.sentinel_service: expected the name of the primary, because {because}")
        if self.topology == "single":
            refuse_unused(self, "nodes", because=because)
        if self.topology == "cluster" and self.database:
            raise ValueError(f"redis.url: expected database 0, the only one of a cluster, got {self.database}")
        return self

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of the server, or of each sentinel or node that may be asked."""
        given = [urlsplit(f"//{node}") for node in (urlsplit(self.url).netloc, *(self.nodes or ()))]
        port = 26_379 if self.topology == "sentinel" else 6_379
        return tuple((node.hostname or "", node.port or port) for node in given)

    @property
    def database(self) -> int:
        """The number in the URL."""
        return int(urlsplit(self.url).path.removeprefix("/") or 0)
