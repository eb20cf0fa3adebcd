from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import NEVER, App, Collector, values_of
from opentelemetry import context

from openclaw_activity_live_spans import Counts, LiveSpanProcessor
from openclaw_activity_live_spans.http_client import retry_after_of

Create = Callable[..., App]


def test_counts_say_what_became_of_the_starts(collector: Collector, app: Create) -> None:
    each = app()
    for name in "abc":
        each.tracer.start_span(name)
    each.provider.force_flush()

    assert each.processor.counts == Counts(sent=3, refused=0, dropped=0)


def test_headers_and_compression_and_a_path_of_the_endpoint(collector: Collector, app: Create) -> None:
    paths: list[str] = []
    collector.answer = lambda path, _size: (paths.append(path), (200, {}))[1]
    each = app(endpoint=f"{collector.endpoint}/base/v1/traces", headers={"authorization": "Bearer a"}, compression="gzip")
    each.tracer.start_span("run")
    collector.until(lambda: collector.starts)

    assert paths == ["/base/v1/traces"]
    assert collector.headers[0]["authorization"] == "Bearer a"
    assert collector.headers[0]["content-encoding"] == "gzip"


def test_one_connection_serves_many_requests(collector: Collector, app: Create) -> None:
    each = app()
    for name in "abc":
        each.tracer.start_span(name)
        each.provider.force_flush()

    assert (collector.attempts, collector.connections) == (3, 1)


def test_a_connection_that_the_collector_closed_is_no_failure(collector: Collector, app: Create, problems: list[str]) -> None:
    collector.answer = lambda _path, _size: (200, {"Connection": "close"} if collector.attempts == 1 else {})
    each = app()
    each.tracer.start_span("a")
    each.provider.force_flush()
    # The client reads "Connection: close" itself. An idle connection that breaks later is not announced.
    each.tracer.start_span("b")
    each.provider.force_flush()
    collector.drop_connections()
    each.tracer.start_span("c")
    each.provider.force_flush()

    assert (collector.starts, problems) == (["a", "b", "c"], [])


def test_a_collector_that_is_away_gets_what_is_still_open_when_it_is_back(
    collector: Collector, app: Create, problems: list[str]
) -> None:
    each = app()
    each.tracer.start_span("before")
    collector.until(lambda: collector.starts)
    collector.answer = lambda _path, _size: (503, {})
    ended = each.tracer.start_span("ended meanwhile")
    each.tracer.start_span("open")
    collector.until(lambda: problems)
    ended.end()
    collector.answer = lambda _path, _size: (200, {})
    collector.until(lambda: len(collector.starts) >= 3)
    each.provider.force_flush()

    # It may have lost its state, so it gets what it had, too.
    assert sorted(collector.starts) == ["before", "before", "open"]
    assert collector.ends == []
    assert problems == ["The activity collector does not accept live spans; retrying until it does. It answered with status 503."]


def test_the_pause_is_never_shorter_than_the_collector_asks(collector: Collector, app: Create, problems: list[str]) -> None:
    times: list[float] = []

    def answer(_path: str, _size: int) -> tuple[int, dict[str, str]]:
        times.append(time.monotonic())
        return (503, {"Retry-After": "2"}) if len(times) == 1 else (200, {})

    collector.answer = answer
    each = app()
    each.tracer.start_span("run")
    collector.until(lambda: collector.starts)

    assert times[1] - times[0] >= 2


@pytest.mark.parametrize(
    ("header", "want"),
    [
        ("7", 7.0),
        ("999999999999999999", 86_400.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, want: float | None) -> None:
    assert retry_after_of(header, 10.0) == want


def test_an_end_whose_start_may_have_arrived_is_sent(collector: Collector, app: Create) -> None:
    is_held = threading.Event()
    go_on = threading.Event()

    def hold(_path: str, _size: int) -> tuple[int, dict[str, str]]:
        is_held.set()
        go_on.wait(20)
        return (200, {})

    collector.answer = hold
    each = app(timeout=0.3)
    run = each.tracer.start_span("run")
    assert is_held.wait(20)
    run.end()
    go_on.set()
    collector.until(lambda: collector.ends)

    assert (collector.starts, collector.ends) == (["run"], ["run"])


def test_what_is_too_large_is_sent_in_smaller_requests(collector: Collector, app: Create, problems: list[str]) -> None:
    sizes: list[int] = []

    def answer(_path: str, size: int) -> tuple[int, dict[str, str]]:
        sizes.append(size)
        return (413, {}) if size > 2_000 else (200, {})

    collector.answer = answer
    each = app(batch_delay=NEVER)
    for name in "abcdefghij":
        each.tracer.start_span(name, attributes={"text": name * 800})
    each.tracer.start_span("huge", attributes={f"text {n}": "x" * 1000 for n in range(3)})
    each.provider.force_flush()

    assert sizes[0] > 8_000
    assert collector.starts == list("abcdefghij")
    assert each.processor.counts == Counts(sent=10, refused=1, dropped=0)
    assert problems == ["The activity collector refuses live spans. It answered with status 413."]


@pytest.mark.parametrize("status", [400, 401, 404, 500, 301])
def test_what_is_refused_is_counted_and_not_retried(status: int, collector: Collector, app: Create, problems: list[str]) -> None:
    collector.answer = lambda _path, _size: (status, {})
    each = app()
    run = each.tracer.start_span("run")
    each.provider.force_flush()
    run.end()
    each.provider.force_flush()

    assert collector.attempts == 1
    assert each.processor.counts == Counts(sent=0, refused=1, dropped=0)
    assert problems == [f"The activity collector refuses live spans. It answered with status {status}."]


def test_beyond_the_bound_the_oldest_start_is_dropped_and_counted(collector: Collector, app: Create) -> None:
    each = app(batch_delay=NEVER, max_open=3)
    for name in "abcde":
        each.tracer.start_span(name)
    each.provider.force_flush()

    assert collector.starts == ["c", "d", "e"]
    assert each.processor.counts == Counts(sent=3, refused=0, dropped=2)


def test_the_end_of_a_forgotten_span_that_the_collector_knows_is_sent(collector: Collector, app: Create) -> None:
    each = app(max_open=2)
    first = each.tracer.start_span("first")
    each.provider.force_flush()
    for name in "ab":
        each.tracer.start_span(name)
    each.provider.force_flush()
    first.end()
    each.provider.force_flush()

    assert (collector.ends, each.processor.counts.dropped) == (["first"], 0)


def test_no_request_has_more_spans_than_allowed(collector: Collector, app: Create) -> None:
    each = app(batch_delay=NEVER, max_batch_size=4)
    for n in range(10):
        each.tracer.start_span(str(n))
    each.provider.force_flush()

    assert [sum(len(s.spans) for r in q.resource_spans for s in r.scope_spans) for q in collector.requests] == [4, 4, 2]


def test_a_collector_that_never_answers_delays_a_flush_and_a_shutdown_by_two_seconds_at_most(problems: list[str]) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
    each = App(None, problems, endpoint=endpoint, timeout=60)
    before = time.monotonic()
    each.tracer.start_span("run")
    started = time.monotonic()
    each.provider.force_flush()
    flushed = time.monotonic()
    each.provider.shutdown()
    stopped = time.monotonic()
    silent.close()

    # The request itself may take 60 s.
    assert started - before < 30
    assert 1.9 < flushed - started < 30
    assert stopped - flushed < 30


@pytest.mark.parametrize(
    "endpoint", ["ftp://127.0.0.1", "127.0.0.1:4318", "http://", "http://127.0.0.1:port", "http://[::1", "nonsense"]
)
def test_a_bad_endpoint_is_a_problem_and_not_an_error(endpoint: str, problems: list[str]) -> None:
    each = App(None, problems, endpoint=endpoint)
    each.tracer.start_span("run").end()
    each.provider.force_flush()
    each.provider.shutdown()

    assert problems == ["The endpoint is not an http or https URL. No live spans are sent."]


def test_an_endpoint_without_listener_is_a_problem_once(problems: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    each = App(None, problems, endpoint=endpoint)
    each.tracer.start_span("run")
    each.provider.force_flush()
    each.provider.force_flush()
    each.provider.shutdown()

    assert len(problems) == 1
    assert "ConnectionRefusedError" in problems[0]


def test_an_error_of_the_problem_listener_does_not_reach_the_application(collector: Collector) -> None:
    def fail(_message: str) -> None:
        raise RuntimeError

    collector.answer = lambda _path, _size: (400, {})
    processor = LiveSpanProcessor(collector.endpoint, on_problem=fail, flush_on_sigterm=False, heartbeat_interval=0)
    each = App(collector, [])
    each.provider.add_span_processor(processor)
    each.tracer.start_span("run")
    each.provider.force_flush()
    each.provider.shutdown()

    assert processor.counts.refused == 1


def test_an_invalid_header_refuses_starts_and_raises_nothing(app: Create, problems: list[str]) -> None:
    each = app(headers={"bad": "a\r\nb: c"})
    each.tracer.start_span("run")
    each.provider.force_flush()

    assert each.processor.counts.refused == 1
    assert len(problems) == 1


def test_an_https_endpoint_is_checked_and_may_check_the_client(
    collector: Collector, app: Create, problems: list[str], tmp_path: Path
) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    collector.use_tls(server)
    files = {name: str(tmp_path / name) for name in ("authority", "certificate", "key")}
    client = authority.issue_cert("client@example.org")
    authority.cert_pem.write_to_path(files["authority"])
    client.cert_chain_pems[0].write_to_path(files["certificate"])
    client.private_key_pem.write_to_path(files["key"])
    endpoint = collector.endpoint.replace("http:", "https:")

    def send(**options: Any) -> None:
        each = app(endpoint=endpoint, **options)
        each.tracer.start_span("run")
        each.provider.force_flush()

    send()
    assert "CERTIFICATE_VERIFY_FAILED" in problems.pop()
    send(certificate=files["authority"])
    assert (len(problems), collector.starts) == (1, [])
    send(certificate=files["authority"], client_certificate=files["certificate"], client_key=files["key"])
    assert (len(problems), collector.starts) == (1, ["run"])


def test_a_missing_certificate_raises_nothing(app: Create, problems: list[str]) -> None:
    each = app(endpoint="https://127.0.0.1:1", certificate="/does/not/exist.pem")
    each.tracer.start_span("run")
    each.provider.force_flush()

    assert len(problems) == 1


def test_open_starts_are_repeated_at_each_heartbeat_interval_with_their_attributes_of_then(
    collector: Collector, app: Create
) -> None:
    each = app(heartbeat_interval=0.1)
    run = each.tracer.start_span("run")
    collector.until(lambda: collector.starts)
    run.set_attribute("later", 1)
    collector.until(lambda: len(collector.starts) >= 3)

    assert values_of(collector.span("run").attributes) == {"later": 1}
    run.end()
    collector.until(lambda: collector.ends)
    each.provider.force_flush()
    assert each.processor.counts == Counts(sent=1, refused=0, dropped=0)


def test_after_a_shutdown_nothing_is_sent(collector: Collector, app: Create) -> None:
    each = app()
    run = each.tracer.start_span("run")
    each.provider.shutdown()
    attempts = collector.attempts
    run.end()
    each.processor.on_start(run, None)  # type: ignore[arg-type]
    each.provider.force_flush()
    each.processor.shutdown()

    assert (collector.starts, collector.attempts) == (["run"], attempts)


def test_an_instrumented_http_client_does_not_trace_the_requests(
    collector: Collector, app: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = app()
    request = http.client.HTTPConnection.request
    # Old instrumentations look at the last one, which new ones still honour.
    keys = (context._SUPPRESS_INSTRUMENTATION_KEY, context._SUPPRESS_HTTP_INSTRUMENTATION_KEY, "suppress_instrumentation")
    seen: list[tuple[Any, ...]] = []

    def traced(*arguments: Any, **options: Any) -> None:
        seen.append(tuple(context.get_value(key) for key in keys))
        if not all(seen[-1]):
            each.tracer.start_span("POST")
        request(*arguments, **options)

    monkeypatch.setattr(http.client.HTTPConnection, "request", traced)
    each.tracer.start_span("run")
    each.provider.force_flush()
    each.provider.force_flush()

    assert (collector.starts, seen) == (["run"], [(True, True, True)])
    assert [context.get_value(key) for key in keys] == [None, None, None]


def test_spans_of_many_threads_arrive(collector: Collector, app: Create) -> None:
    each = app(batch_delay=0.01, max_open=10_000)

    def work(number: int) -> None:
        for n in range(200):
            span = each.tracer.start_span(f"{number}.{n}")
            if n % 2 == 0:
                span.end()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each.provider.force_flush()

    odd = {f"{number}.{n}" for number in range(8) for n in range(1, 200, 2)}
    assert odd <= set(collector.starts)
    # Some of the others were sent while they were open. Each of them has ended.
    assert set(collector.ends) == set(collector.starts) - odd
