"""The span processor."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Callable, Literal, NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from .environment import is_endpoint, read_environment
from .exit_flush import watch_exit
from .http_client import HttpClient
from .sender import Sender, SenderSettings

_logger = logging.getLogger("openclaw_activity_live_spans")
_LONGEST_BATCH_DELAY = 1.0
_LONGEST_FLUSH = 2.0


class Counts(NamedTuple):
    """The starts so far that the collector accepted, that it refused, and that were dropped because too many waited."""

    sent: int
    refused: int
    dropped: int


class LiveSpanProcessor(SpanProcessor):
    """Reports to a collector when a span starts and when it ends. It does not export spans; keep the existing exporter.

    It never raises and never waits, except during ``force_flush`` and ``shutdown``, 2 s at most. It sends from a daemon thread,
    which starts with the first span. After a fork the child has an empty state and a thread of its own.

    :param endpoint: the collector's address for OTLP/HTTP; ``/v1/traces`` is added unless the path ends with it. Default: the
        environment, else ``http://127.0.0.1:4318``.
    :param headers: sent with every request.
    :param certificate: a PEM file with the authorities that an ``https:`` endpoint is checked against.
    :param client_certificate: a PEM file with the certificate of this client.
    :param client_key: a PEM file with its key.
    :param compression: ``"gzip"`` compresses requests.
    :param batch_delay: how many seconds the first start waits for others, and for its attributes. At most 1.
    :param max_open: how many open spans are remembered; beyond it the oldest is forgotten.
    :param max_batch_size: spans in one request.
    :param timeout: how many seconds a request may take.
    :param heartbeat_interval: seconds between two heartbeats while there is open work; 0 sends none, and repeats no starts.
    :param flush_on_sigterm: whether SIGTERM is handled where the application does not.
    :param on_problem: called with a sentence about a problem, once until sending works again. Default: a warning in the log.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        certificate: str | None = None,
        client_certificate: str | None = None,
        client_key: str | None = None,
        compression: Literal["gzip"] | None = None,
        batch_delay: float = 0.2,
        max_open: int = 4096,
        max_batch_size: int = 512,
        timeout: float = 5.0,
        heartbeat_interval: float | None = None,
        flush_on_sigterm: bool = True,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        environment = read_environment(endpoint)
        interval = environment.heartbeat_interval if heartbeat_interval is None else heartbeat_interval
        self._is_stopped = not is_endpoint(environment.endpoint)
        self._sender = Sender(
            HttpClient(
                environment.endpoint if not self._is_stopped else "http://127.0.0.1:4318",
                headers=environment.headers if headers is None else headers,
                certificate=certificate or environment.certificate,
                client_certificate=client_certificate or environment.client_certificate,
                client_key=client_key or environment.client_key,
                compression=compression,
            ),
            SenderSettings(
                batch_delay=min(max(batch_delay, 0.0), _LONGEST_BATCH_DELAY),
                max_open=max_open,
                max_batch_size=max(1, max_batch_size),
                timeout=timeout,
                heartbeat_interval=interval,
                on_problem=on_problem or _logger.warning,
            ),
        )
        for problem in environment.problems:
            self._sender.report(problem, problem)
        if self._is_stopped:
            self._sender.report("endpoint", "The endpoint is not an http or https URL. No live spans are sent.")
        else:
            watch_exit(self, on_sigterm=flush_on_sigterm)

    @property
    def counts(self) -> Counts:
        return Counts(self._sender.sent, self._sender.refused, self._sender.dropped)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        try:
            context = span.get_span_context()
            # The end of a span that is not sampled would never arrive.
            if context is not None and not self._is_stopped and context.trace_flags & 1:
                self._sender.started(span, context.span_id)
        except Exception as error:
            self._sender.report("start", f"A start could not be reported. {type(error).__name__}: {error}")

    def on_end(self, span: ReadableSpan) -> None:
        try:
            context = span.get_span_context()
            if context is not None and not self._is_stopped:
                self._sender.ended(span, context.span_id)
        except Exception as error:
            self._sender.report("end", f"An end could not be reported. {type(error).__name__}: {error}")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what waits in one attempt. Always true: a lost start must not keep other processors from flushing."""
        self._flush_before_exit(timeout_millis / 1000)
        return True

    def shutdown(self) -> None:
        if not self._is_stopped:
            self._flush_before_exit(_LONGEST_FLUSH)
            self._is_stopped = True
            self._sender.close()

    def _flush_before_exit(self, within: float) -> None:
        try:
            if not self._is_stopped:
                self._sender.flush(min(max(within, 0.0), _LONGEST_FLUSH))
        except Exception as error:
            self._sender.report("flush", f"Live spans could not be flushed. {type(error).__name__}: {error}")

    def _after_fork_in_parent(self) -> None:
        self._sender.after_fork_in_parent()

    def _after_fork_in_child(self) -> None:
        self._sender.after_fork_in_child()
