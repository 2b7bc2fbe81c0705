# SPDX-License-Identifier: GPL-3.0-or-later
"""What one call may take: seconds, bytes and values, whatever the other side sends and however slowly.

Time limits of sockets start anew with each byte, so a side that sends a byte now and then
holds its client for ever. Here a call has one deadline: when it comes, the connections that are open are shut, and
whoever waits on one gets an error. Every HTTP session of the collection goes through :meth:`Limits.guard`: those of the
admin API, of the authority, and the one within pypsrp.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .libraries import requests, urllib3

#: Bytes of all answers of one call, as they were sent and as they are unpacked.
LARGEST_SENT = 64 * 1024 * 1024
LARGEST_UNPACKED = 256 * 1024 * 1024
#: Values that all answers of one call hold. Each may cost a hundred bytes of memory, though it was sent in two. An
#: organization with 300 rules of 8 KB stays below it, even where every character of its texts looks like the beginning
#: of a value.
MOST_VALUES = 4_000_000
#: Warnings of a call, and error records of a pipeline, that are kept. Nobody reads more.
MOST_RECORDS = 1000
#: What begins a value: in JSON, and in XML.
_BEGINNINGS = (b"{", b"[", b",", b"<")
_CHUNK = 256 * 1024


class TooSlowError(Exception):
    """A call did not end in time."""


class TooLargeError(Exception):
    """A call brought more than is taken in; the text says of what."""


class RedirectedError(Exception):
    """An endpoint that may not redirect did so; the text is the host that it named."""


class CutError(Exception):
    """An answer ended before its end."""


class Limits:
    """The limits of one session, whose calls run one after the other; one call may use several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: dict[int, socket.socket] = {}
        self._waking: list[Callable[[], None]] = []
        self._in_use = threading.local()
        self._late = False
        self._spent = [0, 0, 0]

    @contextlib.contextmanager
    def call(self, seconds: float) -> Iterator[None]:
        """Everything inside is one call.

        :raises TooSlowError: it took longer.
        """
        self._late, self._spent = False, [0, 0, 0]
        with self.within(seconds):
            yield

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A part of a call that may take less than the whole.

        :raises TooSlowError: it took longer.
        """
        over = threading.Event()
        timer = threading.Timer(max(seconds, 0.0), self._end, [over])
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if self._late and not isinstance(error, TooLargeError):
                raise TooSlowError("no response within the timeout") from None
            raise
        finally:
            timer.cancel()
            with self._lock:
                over.set()

    @property
    def late(self) -> bool:
        """Whether the time of the call is over."""
        return self._late

    def wakes(self, waiting: Callable[[], None]) -> None:
        """Has a function called when the time of a call is over: for whoever waits on something else than a socket."""
        self._waking.append(waiting)

    def wakes_no_more(self, waiting: Callable[[], None]) -> None:
        """Forgets a function of :meth:`wakes`."""
        self._waking.remove(waiting)

    def _end(self, over: threading.Event) -> None:
        with self._lock:
            if over.is_set():
                return  # It ended when its time did: what is under way by now is another call.
            self._late = True
            open_sockets = list(self._sockets.values())
        for open_socket in open_sockets:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        for waiting in list(self._waking):
            waiting()

    def spend(self, *, sent: int = 0, unpacked: int = 0, values: int = 0) -> None:
        """Counts what an answer brought.

        :raises TooLargeError: the call has brought more than is taken in.
        """
        with self._lock:
            self._spent = [before + more for before, more in zip(self._spent, (sent, unpacked, values), strict=True)]
            spent = self._spent
        for number, most, what in zip(
            spent, (LARGEST_SENT, LARGEST_UNPACKED, MOST_VALUES), ("bytes", "bytes, unpacked", "values"), strict=True
        ):
            if number > most:
                raise TooLargeError(f"more than {most} {what}")

    def guard(self, session: requests.Session, *, redirects: bool = True) -> requests.Session:
        """Makes a session keep to the limits, and read each answer to its end.

        :param redirects: whether an answer may name another address. Nothing is followed here.
        """
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]  # requests would follow, and send the token along
        for adapter in session.adapters.values():
            self._guard(adapter, redirects)
        return session

    def _guard(self, adapter: Any, redirects: bool) -> None:
        plain_send, plain_proxy = adapter.send, adapter.proxy_manager_for
        self._watch(adapter.poolmanager)

        def send(request: Any, stream: bool = False, **how: Any) -> requests.Response:
            if self._late:
                raise TooSlowError("no response within the timeout")
            closing: list[int] = []
            self._in_use.closing = closing
            try:
                response: requests.Response = plain_send(request, stream=True, **how)
                if 300 <= response.status_code < 400 and not redirects:
                    response.close()
                    raise RedirectedError(_host(response.headers.get("Location", "")))
            except BaseException:
                self._forget(closing)
                raise
            finally:
                self._in_use.closing = None
            # Not before somebody asks for it: authentication takes the certificate for its channel binding from an
            # answer that is not read yet.
            response.iter_content = lambda *_chunk, **_more: iter([self._content(response, closing)])  # type: ignore[method-assign]
            return response

        def proxy_manager_for(*positional: Any, **named: Any) -> Any:
            manager = plain_proxy(*positional, **named)
            self._watch(manager)
            return manager

        adapter.send, adapter.proxy_manager_for = send, proxy_manager_for

    def _watch(self, manager: Any) -> None:
        """Has every connection of a pool manager known here, so that it can be shut."""
        if getattr(manager, "is_watched", False):
            return
        manager.is_watched = True
        manager.pool_classes_by_scheme = {
            scheme: self._pool(plain) for scheme, plain in manager.pool_classes_by_scheme.items()
        }

    def _pool(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def make(*positional: Any, **named: Any) -> Any:
            pool = plain(*positional, **named)
            pool.ConnectionCls = self._connection(pool.ConnectionCls)
            return pool

        return make

    def _connection(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def make(*positional: Any, **named: Any) -> Any:
            connection = plain(*positional, **named)
            plain_open, plain_close = connection._new_conn, connection.close

            def opened() -> socket.socket:
                made: socket.socket = plain_open()
                # TLS takes the socket itself over, so a second handle on the same connection is what can shut it.
                with self._lock:
                    self._sockets[id(connection)] = made.dup()
                return made

            def closed() -> None:
                plain_close()
                if getattr(self._in_use, "closing", None) is None:
                    self._forget([id(connection)])
                else:  # an answer that ends with its connection is read after this
                    self._in_use.closing.append(id(connection))

            connection._new_conn, connection.close = opened, closed
            return connection

        return make

    def _forget(self, connections: Sequence[int]) -> None:
        with self._lock:
            known = [self._sockets.pop(number, None) for number in connections]
        for connection in known:
            if connection is not None:
                connection.close()

    def _content(self, response: requests.Response, closing: list[int]) -> bytes:
        """The whole body of an answer.

        :param closing: connections that are to be forgotten once it is read.
        :raises CutError: the body ended before its end, or before the call's.
        """
        self._in_use.closing = closing
        try:
            content = self._read(response)
            if self._late:
                raise CutError("no response within the timeout")
            return content
        finally:
            self._in_use.closing = None
            self._forget(closing)

    def _read(self, response: requests.Response) -> bytes:
        """Reads the whole body, and unpacks it.

        Exchange declares a run of NUL bytes as gzip where a cmdlet is not granted: what does not unpack is taken as it
        is.
        """
        pieces: list[bytes] = []
        try:
            while piece := response.raw.read(_CHUNK, decode_content=False):
                self.spend(sent=len(piece))
                pieces.append(piece)
        except TooLargeError:
            response.close()
            raise
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.exceptions.ReadTimeout(error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise requests.exceptions.ChunkedEncodingError(error) from error
        response.raw.release_conn()
        content = b"".join(pieces)
        if response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
            content = self._unpacked(content)
        self.spend(unpacked=len(content), values=sum(map(content.count, _BEGINNINGS)))
        return content

    def _unpacked(self, content: bytes) -> bytes:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked = unpacker.decompress(content, LARGEST_UNPACKED + 1)
        except zlib.error:
            return content
        if len(unpacked) > LARGEST_UNPACKED:
            raise TooLargeError(f"more than {LARGEST_UNPACKED} bytes, unpacked")
        if content and not unpacker.eof:
            raise CutError("the response is truncated")
        return unpacked


def bounded(warnings: Sequence[str]) -> list[str]:
    """The warnings, or the first of them and a sentence about the others."""
    left_out = len(warnings) - MOST_RECORDS
    return [*warnings[:MOST_RECORDS], *([f"{left_out} more warnings are not shown."] if left_out > 0 else [])]


def _host(location: str) -> str:
    try:
        return urllib.parse.urlsplit(location).hostname or "nowhere"
    except ValueError:
        return "nowhere"
