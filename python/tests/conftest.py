"""A collector on loopback that keeps what it is sent."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from openclaw_activity_live_spans import LiveSpanProcessor

RESOURCE = Resource({"service.name": "agent", "service.instance.id": "a"})
SIGNAL = "openclaw.activity.signal"
NEVER = 3600.0


class Collector:
    """``answer`` decides the status, headers and delay of each answer, by its path and the number of bytes."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.reports: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.attempts = 0
        self.connections = 0
        self.answer: Callable[[str, int], tuple[int, dict[str, str]]] = lambda _path, _size: (200, {})
        self.before_body: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        self._sockets: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                collector.connections += 1
                collector._sockets.append(self.request)
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.attempts += 1
                status, headers = collector.answer(self.path, len(body))
                if status == 200:
                    collector._keep(self.path, dict(self.headers), body)
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": "0", **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    if "Content-Length" in headers:
                        collector.before_body()
                        self.wfile.write(b"x" * int(headers["Content-Length"]))
                except OSError:
                    return

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use_tls(self, context: ssl.SSLContext) -> None:
        """From now on. The handshake is left to the thread of each connection."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]

    def drop_connections(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        with self._changed:
            self.headers.append({name.lower(): value for name, value in headers.items()})
            if path.endswith("/v1/traces"):
                self.requests.append(ExportTraceServiceRequest.FromString(body))
            else:
                self.reports.append(json.loads(body))
            self._changed.notify_all()

    def until(self, is_so: Callable[[], Any], within: float = 20.0) -> None:
        """Waits until something that arrives makes it true."""
        deadline = time.monotonic() + within
        with self._changed:
            while not is_so():
                left = deadline - time.monotonic()
                assert left > 0, f"not so after {within} s; starts {self.starts}, ends {self.ends}"
                self._changed.wait(min(left, 0.05))

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in list(self.requests)
            for resource_spans in request.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    @property
    def starts(self) -> list[str]:
        return [span.name for span in self.spans if span.end_time_unix_nano == 0]

    @property
    def ends(self) -> list[str]:
        return [span.name for span in self.spans if span.end_time_unix_nano != 0]

    def span(self, name: str, *, ended: bool = False) -> Any:
        """The last span of this name that came."""
        return [s for s in self.spans if s.name == name and (s.end_time_unix_nano != 0) == ended][-1]

    @property
    def records(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each log record with its resource."""
        return [
            (values_of(each["resource"]["attributes"]), record)
            for report in list(self.reports)
            for each in report["resourceLogs"]
            for scope in each["scopeLogs"]
            for record in scope["logRecords"]
        ]


def values_of(key_values: Any) -> dict[str, Any]:
    """The attributes of a span, or of OTLP/JSON."""
    if key_values and isinstance(key_values[0], dict):
        return {each["key"]: next(iter(each["value"].values())) for each in key_values}
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in key_values}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(autouse=True)
def _long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw_activity_live_spans.processor._LONGEST_BATCH_DELAY", NEVER)


@pytest.fixture
def problems() -> list[str]:
    return []


class App:
    """A tracer provider with a live span processor."""

    def __init__(self, collector: Collector | None, problems: list[str], **options: Any) -> None:
        options.setdefault("endpoint", collector.endpoint if collector is not None else None)
        options.setdefault("heartbeat_interval", 0)
        # With NEVER, only a flush sends.
        options.setdefault("batch_delay", 0.02)
        resource = options.pop("resource", RESOURCE)
        self.processor = LiveSpanProcessor(on_problem=problems.append, flush_on_sigterm=False, **options)
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("agents", "1.2")


@pytest.fixture
def app(collector: Collector, problems: list[str]) -> Iterator[Callable[..., App]]:
    apps: list[App] = []

    def create(**options: Any) -> App:
        apps.append(App(collector, problems, **options))
        return apps[-1]

    yield create
    for each in apps:
        each.provider.shutdown()
