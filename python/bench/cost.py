"""What the processor costs an application: CPU time at a rate of spans, and the time that a span takes longer.

python bench/cost.py [--seconds N]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from openclaw_activity_live_spans import LiveSpanProcessor

RATE = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--serve", action="store_true")
    seconds = parser.parse_args()
    if seconds.serve:
        serve()
        return
    # In a process of its own, so that its time is not counted.
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()
        try:
            print(f"Python {platform.python_version()}, {RATE} spans/s for {seconds.seconds:g} s each")
            for name, lasting in (("short spans", 0.0), ("a tenth lasts 1 s", 0.1), ("all last 1 s", 1.0)):
                without = cpu_of(None, lasting, seconds.seconds)
                with_it = cpu_of(endpoint, lasting, seconds.seconds)
                more = with_it - without
                print(f"{name}: {100 * without:.2f} % CPU without, {100 * with_it:.2f} % with, {100 * more:.2f} % more")
            print(f"one short span: {per_span(None):.2f} µs without, {per_span(endpoint):.2f} µs with")
        finally:
            server.terminate()


def provider_of(endpoint: str | None) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": "bench", "service.instance.id": "1"}), shutdown_on_exit=False)
    if endpoint is not None:
        provider.add_span_processor(LiveSpanProcessor(endpoint, flush_on_sigterm=False))
    return provider


def cpu_of(endpoint: str | None, lasting: float, seconds: float) -> float:
    """The share of one CPU that the process takes at the rate. The share ``lasting`` of the spans lasts one second."""
    provider = provider_of(endpoint)
    tracer = provider.get_tracer("bench")
    open_spans: list[tuple[float, object]] = []
    before, begin = time.process_time(), time.monotonic()
    count = 0
    while (now := time.monotonic()) < begin + seconds:
        while count < (now - begin) * RATE:
            span = tracer.start_span("execute_tool search", attributes={"gen_ai.operation.name": "chat", "session.id": "s"})
            if count % 10 < lasting * 10:
                open_spans.append((now + 1, span))
            else:
                span.end()
            count += 1
        while open_spans and open_spans[0][0] <= now:
            open_spans.pop(0)[1].end()  # type: ignore[attr-defined]
        time.sleep(0.01)
    cpu = (time.process_time() - before) / (time.monotonic() - begin)
    provider.shutdown()
    return cpu


def per_span(endpoint: str | None) -> float:
    """Microseconds of a start and an end, the best of five."""
    provider = provider_of(endpoint)
    tracer = provider.get_tracer("bench")
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(5_000):
            tracer.start_span("step").end()
        best = min(best, (time.perf_counter() - begin) / 5_000)
    provider.shutdown()
    return best * 1e6


def serve() -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=exit_with, args=(os.getppid(),), daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def exit_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    main()
