"""A Redis that speaks TLS and knows users: Debian's, because the embedded Valkey is built without TLS."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from tests.tls import LOOPBACK, Authority
from textsieve.embedded.server import Server

PASSWORD = "planted-store-password"


def tls_store(folder: Path, authority: Authority, *, acl: str, ask_clients: bool = False) -> Server:
    """A server on a loopback port whose only users are those of `acl` (lines of an ACL file)."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must run these tests: no redis-server on PATH; .ci/run installs it")
        pytest.skip("no redis-server on PATH: apt-get install redis-server")
    server = authority.issue()
    (folder / "users.acl").write_text(f"user default off\n{acl}\n", encoding="utf-8")

    def command(port: int) -> tuple[str, ...]:
        options = {
            "bind": LOOPBACK,
            "port": "0",
            "tls-port": str(port),
            "tls-cert-file": str(server.certfile),
            "tls-key-file": str(server.keyfile),
            "tls-ca-cert-file": str(authority.cafile),
            "tls-auth-clients": "yes" if ask_clients else "no",
            "aclfile": str(folder / "users.acl"),
            "save": "",
        }
        return (program, *(part for name, value in options.items() for part in (f"--{name}", value)))

    return Server(name="tls-store", command=command, answers=_listens, directory=folder)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
