"""A bound for a whole exchange: the timeouts of requests begin anew with each byte that comes."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from requests.adapters import HTTPAdapter

_of_thread = threading.local()


class Deadline:
    """Ends the exchange that this thread has within the `with` block, `seconds` after it began.

    The connection is shut down, so that whoever reads it hears of its end at once. That may look
    like the end of headers or of a body: only while nothing has `passed` is an answer whole.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._end_at = time.monotonic() + seconds
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = self._start(seconds)

    def __enter__(self) -> Deadline:
        _of_thread.deadline = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _of_thread.deadline = None
        self._timer.cancel()
        with self._lock:
            while self._handles:
                self._handles.pop().close()

    def shorten(self, seconds: float) -> None:
        """From now on wait for `seconds` at most."""
        self._timer.cancel()
        self._timer = self._start(min(seconds, self._end_at - time.monotonic()))

    def watch(self, connection: socket.socket) -> None:
        """The connection that the exchange has from now on."""
        # A handle of our own: TLS takes over the first, and a closed one is given to others.
        # Windows' sockets are no file descriptors, which `os.dup` takes.
        handle = socket.socket(fileno=socket.dup(connection.fileno()))
        with self._lock:
            self._handles.append(handle)
        if self.passed:
            self._pass()

    def _start(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(max(0.0, seconds), self._pass)
        timer.daemon = True
        timer.start()
        return timer

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)


def heed(adapter: HTTPAdapter) -> None:
    """Let the connections of an adapter heed the deadline of the thread that uses them."""
    through_proxy = adapter.proxy_manager_for

    def proxy_manager_for(proxy: str, **options: Any) -> Any:
        known = proxy in adapter.proxy_manager
        manager = through_proxy(proxy, **options)
        return manager if known else _heeding(manager)

    _heeding(adapter.poolmanager)
    adapter.proxy_manager_for = proxy_manager_for  # type: ignore[method-assign]


def _heeding(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _watched(pool.ConnectionCls)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return manager


def _watched(kind: Any) -> Any:
    class Watched(kind):  # type: ignore[misc]
        def _new_conn(self) -> Any:
            return _watch(super()._new_conn())

        def putrequest(self, *arguments: Any, **options: Any) -> Any:
            if self.sock:  # Kept from an earlier exchange.
                _watch(self.sock)
            return super().putrequest(*arguments, **options)

    Watched.__name__ = kind.__name__
    return Watched


def _watch(connection: Any) -> Any:
    deadline = getattr(_of_thread, "deadline", None)
    if deadline:
        deadline.watch(connection)
    return connection
