"""Sends OTLP requests with Python's own HTTP client, over one connection that is kept open between them."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - else the sending thread imports it, and a fork in that moment leaves its lock held.
import gzip
import http.client
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from opentelemetry import context

# https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
_RETRYABLE = frozenset((429, 502, 503, 504))
_LONGEST_ANSWER = 64 * 1024
_SUPPRESSING_KEYS = (
    "_SUPPRESS_INSTRUMENTATION_KEY",
    "_SUPPRESS_HTTP_INSTRUMENTATION_KEY",
)


class Status(Enum):
    ACCEPTED = "accepted"
    RETRYABLE = "retryable"
    """The same bytes may be accepted later."""
    TOO_LARGE = "too large"
    PERMANENT = "permanent"
    """The same bytes will never be accepted."""


class Outcome(NamedTuple):
    status: Status
    message: str = ""
    retry_after: float | None = None
    """Seconds that the server asks to wait."""
    may_have_arrived: bool = False
    """No answer came, so the server may have taken the request."""


class HttpClient:
    """One thread uses it at a time. It never raises."""

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str],
        certificate: str | None,
        client_certificate: str | None,
        client_key: str | None,
        compression: Literal["gzip"] | None,
    ) -> None:
        parts = urlsplit(endpoint)
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path
        for signal in ("/v1/traces", "/v1/logs"):
            if self._base.endswith(signal):
                self._base = self._base[: -len(signal)]
        self._base = self._base.rstrip("/")
        self._query = f"?{parts.query}" if parts.query else ""
        self._headers = {**headers}
        self._tls_files = (certificate, client_certificate, client_key)
        self._compression = compression
        self._connection: http.client.HTTPConnection | None = None
        self._is_busy = False

    @property
    def address(self) -> tuple[str, int | None, str]:
        return (self._host, self._port, self._base)

    def post(self, signal: Literal["traces", "logs"], body: bytes, content_type: str, timeout: float) -> Outcome:
        headers = {**self._headers, "Content-Type": content_type}
        if self._compression == "gzip":
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        path = f"{self._base}/v1/{signal}{self._query}"
        self._is_busy = True
        try:
            with _without_tracing():
                outcome = self._attempt(path, body, headers, timeout)
                if outcome is None:
                    # A server may close an idle connection just when it is used again. That is not a failure of it.
                    outcome = self._attempt(path, body, headers, timeout)
        finally:
            self._is_busy = False
        return outcome or Outcome(Status.RETRYABLE, "The connection was closed.", may_have_arrived=True)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def abandon(self) -> None:
        """In a forked process: lets go of the parent's connection.

        A thread of the parent may have held the lock of its reader, which nobody releases here, so that closing it would never
        return. That thread's objects are never freed, so the descriptor has to be closed below them.
        """
        connection, self._connection = self._connection, None
        if not self._is_busy:
            self._connection = connection
            self.close()
        elif connection is not None and connection.sock is not None:
            with suppress(OSError):
                os.close(connection.sock.fileno())
        self._is_busy = False

    def _attempt(self, path: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Outcome | None:
        """Returns none when a kept connection turned out to be closed."""
        is_reused = self._connection is not None
        is_sent = False
        try:
            connection = self._connection or self._connect(timeout)
            self._connection = connection
            if connection.sock is None:
                connection.timeout = timeout
                connection.connect()
            assert connection.sock is not None
            connection.sock.settimeout(timeout)
            is_sent = True
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if is_reused and isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
                return None
            return Outcome(Status.RETRYABLE, _message_of(error, timeout), may_have_arrived=is_sent)
        except Exception as error:  # An invalid header, for example, which would fail again.
            self.close()
            return Outcome(Status.PERMANENT, f"{type(error).__name__}: {error}")
        try:
            response.read(_LONGEST_ANSWER)
            is_complete = response.isclosed()
        except (http.client.HTTPException, OSError):
            is_complete = False
        if not is_complete:
            self.close()
        return _outcome_of(response.status, response.getheader("Retry-After"))

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if not self._is_secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        certificate, client_certificate, client_key = self._tls_files
        tls = ssl.create_default_context(cafile=certificate)
        if client_certificate is not None:
            tls.load_cert_chain(client_certificate, client_key)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=tls)


def retry_after_of(header: str | None, now: float) -> float | None:
    """Seconds to wait from a ``Retry-After`` header, a number of seconds or a date. None for anything else."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 86_400))
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - now, 0.0), 86_400.0)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _outcome_of(status: int, retry_after: str | None) -> Outcome:
    message = f"It answered with status {status}."
    if 200 <= status < 300:
        return Outcome(Status.ACCEPTED)
    if status in _RETRYABLE:
        return Outcome(Status.RETRYABLE, message, retry_after_of(retry_after, time.time()))
    return Outcome(Status.TOO_LARGE if status == 413 else Status.PERMANENT, message)


def _message_of(error: BaseException, timeout: float) -> str:
    if isinstance(error, (socket.timeout, TimeoutError)):
        return f"No answer within {timeout:g} s."
    return f"{type(error).__name__}: {error}".rstrip(": ")


@contextmanager
def _without_tracing() -> Iterator[None]:
    """Instrumentations of HTTP clients create no spans inside."""
    suppressed = context.set_value("suppress_instrumentation", True)
    for name in _SUPPRESSING_KEYS:
        key = getattr(context, name, None)
        if key is not None:
            suppressed = context.set_value(key, True, suppressed)
    token = context.attach(suppressed)
    try:
        yield
    finally:
        context.detach(token)
