"""A proxy between clients and a PostgreSQL server, which cuts connections: all of them, or one that is committing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["Cut", "Proxy", "proxied"]

Cut: TypeAlias = Literal["before", "after"]
"""Before the server gets to know of a commit, or after it has done it but before the client gets to know."""


class Proxy:
    """Takes connections on a port of this machine, and passes all on to a server.

    Args:
        server: A database on the server.

    Attributes:
        cut: When the next commit is cut off; not at all where None.
    """

    def __init__(self, server: URL) -> None:
        """Open the port."""
        self.cut: Cut | None = None
        self._server = server
        self._port = 0
        self._pairs: list[_Pair] = []
        self.come_back()

    @property
    def url(self) -> URL:
        """Where the database is found through the proxy."""
        query = {"gssencmode": "disable", "sslmode": "disable"}
        return self._server.set(host="127.0.0.1", port=self._port, query=query)

    def come_back(self) -> None:
        """Open the port, the same as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        self._taking = Thread(target=self._take, args=(self._listener,))
        self._taking.start()

    def go_away(self) -> None:
        """Close the port, and cut all connections."""
        _shut(self._listener)
        self._taking.join()
        self._listener.close()
        for pair in self._pairs:
            pair.end()
        self._pairs.clear()

    def passes(self, sent: bytes, pair: _Pair) -> bool:
        """Return whether what a client has sent is to reach the server; and whether it will know what came of it."""
        if self.cut is None or b"COMMIT" not in sent:
            return True
        cut, self.cut = self.cut, None
        pair.deaf = cut == "after"
        return pair.deaf

    def _take(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._pairs.append(_Pair(self, client, _connected(self._server)))


class _Pair:
    """Two connections that belong together.

    Args:
        proxy: What is asked before anything reaches the server.
        client: The one to the client.
        server: The one to the server.

    Attributes:
        deaf: Whether both are cut as soon as the server answers.
    """

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        """Begin to pass on."""
        self.deaf = False
        self._proxy = proxy
        self._ends = (client, server)
        self._threads = [Thread(target=self._up), Thread(target=self._down)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Cut both."""
        for end in self._ends:
            _shut(end)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _up(self) -> None:
        client, server = self._ends
        with suppress(OSError):
            while (sent := client.recv(65536)) and self._proxy.passes(sent, self):
                server.sendall(sent)
        self._cut()

    def _down(self) -> None:
        client, server = self._ends
        with suppress(OSError):
            while (answer := server.recv(65536)) and not self.deaf:
                client.sendall(answer)
        self._cut()

    def _cut(self) -> None:
        for end in self._ends:
            _shut(end)


def _connected(server: URL) -> socket.socket:
    host, port = server.query.get("host") or server.host, server.port or 5432
    assert isinstance(host, str)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    made = socket.socket(socket.AF_UNIX)
    made.connect(f"{host}/.s.PGSQL.{port}")
    return made


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(server: URL) -> Iterator[Proxy]:
    """Yield a proxy to the server, which is gone after it."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.go_away()
