"""A TCP proxy on loopback whose connections can be cut, delayed, held up or robbed of their answers."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

from benchmarks.chaos import connections
from textsieve.embedded.listening import LOOPBACK

CHUNK_BYTES = 65_536
CLOSE_NAPS, CLOSE_NAP_SECONDS = 100, 0.01  # for the pumps to see that their connections are gone
CALL_SECONDS = 10.0  # for the proxy's own thread to do what it is told


class Mode(Enum):
    """What happens to a connection."""

    CUT = auto()  # ended at once; new ones are refused
    DELAYED = auto()  # every piece waits, in both directions
    UNANSWERED = auto()  # requests arrive, answers are swallowed
    HELD = auto()  # requests wait until the fault is over, then arrive, as packets do that are sent again


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with the line at present.

    Attributes:
        victims: process ids it applies to; all if None.
        seconds: delay of each piece.
    """

    mode: Mode
    victims: frozenset[int] | None
    seconds: float = 0.0

    def affects(self, client_port: int) -> bool:
        """Whether the connection from this port belongs to a victim."""
        if self.victims is None or not connections.can_tell():
            return True
        return any(client_port in connections.ports_of(pid) for pid in self.victims)


@dataclass(eq=False, slots=True)
class _Connection:
    client_port: int
    writers: list[asyncio.StreamWriter]
    fault: LineFault | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)  # set when the fault ends

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    """Listens from the start of the context on; `upstream` may be named later.

    Attributes:
        upstream: port on loopback (or host and port) that the connections are passed on to.
    """

    def __init__(self, upstream: tuple[str, int] | None = None) -> None:
        self.upstream = upstream
        self.port = 0
        self._fault: LineFault | None = None
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._do(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def break_line(self, fault: LineFault) -> None:
        """From now on the fault is in force, for connections that exist and for new ones."""
        self._do(self._break(fault))

    def mend(self) -> None:
        """The line is whole again; connections that lost bytes are ended."""
        self._do(self._mend())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _break(self, fault: LineFault) -> None:
        self._fault = fault
        for connection in list(self._connections):
            if fault.affects(connection.client_port):
                self._apply(connection, fault)

    def _apply(self, connection: _Connection, fault: LineFault) -> None:
        connection.fault = fault
        connection.over.clear()
        if fault.mode is Mode.CUT:
            connection.abort()

    async def _mend(self) -> None:
        self._fault = None
        for connection in list(self._connections):
            fault, connection.fault = connection.fault, None
            connection.over.set()
            if fault is not None and fault.mode is Mode.UNANSWERED:
                connection.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer.get_extra_info("peername")[1], [writer])
        self._connections.add(connection)
        try:
            if self._fault is not None and self._fault.affects(connection.client_port):
                self._apply(connection, self._fault)
            if self.upstream is None or (connection.fault and connection.fault.mode is Mode.CUT):
                return
            server_reader, server_writer = await asyncio.open_connection(*self.upstream)
            connection.writers.append(server_writer)
            pumps = (
                self._pump(connection, reader, server_writer, answers=False),
                self._pump(connection, server_reader, writer, answers=True),
            )
            await asyncio.wait([asyncio.ensure_future(pump) for pump in pumps], return_when=asyncio.ALL_COMPLETED)
        except OSError:
            pass  # the server is away: so is this connection
        finally:
            connection.abort()
            self._connections.discard(connection)

    async def _pump(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        try:
            while piece := await reader.read(CHUNK_BYTES):
                fault = connection.fault
                if fault is not None and fault.mode is Mode.DELAYED:
                    await asyncio.sleep(fault.seconds)
                elif fault is not None and fault.mode is Mode.HELD:
                    await connection.over.wait()
                    if reader.exception() is not None:  # the client took back what had not left its machine
                        break
                elif fault is not None and fault.mode is Mode.UNANSWERED and answers:
                    continue
                writer.write(piece)
                await writer.drain()
            if not answers:  # the client has nothing more to say; what it said was passed on
                writer.write_eof()
            else:
                connection.abort()
        except OSError:
            connection.abort()

    async def _close(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.over.set()
            connection.abort()
        for _ in range(CLOSE_NAPS):
            if not self._connections:
                return
            await asyncio.sleep(CLOSE_NAP_SECONDS)
