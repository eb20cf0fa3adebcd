"""Real processes: their ends, signals and forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from conftest import Collector

PROLOGUE = """
import os, signal, sys, threading, time
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from openclaw_activity_live_spans import LiveSpanProcessor

processor = LiveSpanProcessor(heartbeat_interval=float(os.environ.get("INTERVAL", "0")))
provider = TracerProvider(resource=Resource({"service.name": "a", "service.instance.id": "i"}), shutdown_on_exit=False)
provider.add_span_processor(processor)
tracer = provider.get_tracer("t")
"""


def start(collector: Collector, program: str, prologue: str = PROLOGUE, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OPENCLAW_ACTIVITY_ENDPOINT": collector.endpoint, **variables}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", prologue + textwrap.dedent(program)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    timer = threading.Timer(60, end_group, (process.pid,))
    timer.daemon = True
    timer.start()
    return process


def end_group(leader: int) -> None:
    """Ends a program and what it forked, should it hang."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def finish(process: subprocess.Popen[Any], said: str = "") -> tuple[int, str]:
    """Ends its input, and returns its exit code and what it printed. It prints no error."""
    out, err = process.communicate(said, timeout=60)
    assert err == ""
    return process.returncode, out


def test_what_waits_is_sent_before_the_program_ends(collector: Collector) -> None:
    process = start(collector, 'tracer.start_span("run"); sys.exit(3)')

    assert finish(process)[0] == 3
    assert collector.starts == ["run"]


def test_an_error_keeps_its_exit_code(collector: Collector) -> None:
    process = start(collector, 'tracer.start_span("run"); raise ValueError("mine")')
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert err.splitlines()[-1] == "ValueError: mine"
    assert collector.starts == ["run"]


def test_a_span_that_starts_while_the_program_ends_is_sent_or_lost_without_a_word(collector: Collector) -> None:
    process = start(collector, 'import atexit; atexit.register(lambda: tracer.start_span("late"))')

    assert finish(process)[0] == 0


def test_an_unreachable_collector_does_not_keep_the_program_alive(collector: Collector) -> None:
    collector.close()
    process = start(collector, 'tracer.start_span("run")')
    before = time.monotonic()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert time.monotonic() - before < 30
    assert "does not accept live spans" in err


def test_sigterm_sends_what_waits_and_ends_the_program_as_before(collector: Collector) -> None:
    process = start(
        collector, 'print("up", flush=True); tracer.start_span("run"); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)'
    )

    assert finish(process) == (-signal.SIGTERM, "up\n")
    assert collector.starts == ["run"]


def test_the_applications_own_handler_of_sigterm_decides(collector: Collector) -> None:
    process = start(
        collector,
        """
        previous = signal.getsignal(signal.SIGTERM)
        def handle(signum, frame):
            if callable(previous):
                previous(signum, frame)
            print("handled", flush=True)
        signal.signal(signal.SIGTERM, handle)
        tracer.start_span("run")
        os.kill(os.getpid(), signal.SIGTERM)
        sys.exit(7)
        """,
    )

    assert finish(process) == (7, "handled\n")
    assert collector.starts == ["run"]


@pytest.mark.parametrize("handler", ["lambda *_: sys.exit(5)", "signal.SIG_IGN"])
def test_a_handler_that_was_there_before_stays(handler: str, collector: Collector) -> None:
    program = f"import os, signal, sys\nmine = {handler}\nsignal.signal(signal.SIGTERM, mine)\n"
    process = start(
        collector,
        'tracer.start_span("run"); print(signal.getsignal(signal.SIGTERM) is mine, flush=True)',
        program + PROLOGUE,
    )

    assert finish(process) == (0, "True\n")


def test_a_processor_that_is_created_in_a_thread_handles_no_signal(collector: Collector) -> None:
    process = start(
        collector,
        """
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        thread = threading.Thread(target=LiveSpanProcessor)
        thread.start()
        thread.join()
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        """,
    )

    assert finish(process) == (0, "True\n")


def test_a_forked_process_reports_its_own_spans_and_not_its_parents(collector: Collector) -> None:
    process = start(
        collector,
        """
        before = tracer.start_span("before")
        provider.force_flush()
        child = os.fork()
        if child == 0:
            before.end()
            tracer.start_span("in the child").end()
            tracer.start_span("open in the child")
            provider.force_flush()
            print(processor.counts.sent, flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)
        tracer.start_span("after")
        provider.force_flush()
        print(processor.counts.sent, flush=True)
        """,
    )

    assert finish(process) == (0, "1\n0\n2\n")
    assert collector.starts == ["before", "open in the child", "after"]
    assert collector.ends == []


def test_a_fork_while_other_threads_start_spans_does_not_deadlock(collector: Collector) -> None:
    process = start(
        collector,
        """
        is_over = False
        # Old SDKs have locks of their own, which a fork may leave held. So the threads call only the processor.
        def work(span):
            while not is_over:
                processor.on_start(span)
                processor.on_end(span)
        spans = [tracer.start_span("s") for _ in range(4)]
        threads = [threading.Thread(target=work, args=(span,), daemon=True) for span in spans]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                tracer.start_span("in the child")
                provider.force_flush()
                os._exit(processor.counts.sent)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        is_over = True
        print(codes == [1] * 20, codes)
        """,
    )

    code, out = finish(process)
    assert code == 0
    assert out.startswith("True"), out
    assert collector.starts.count("in the child") == 20


@pytest.mark.parametrize("where", ["status", "body"])
def test_a_fork_while_a_request_waits_for_its_answer_does_not_deadlock(where: str, collector: Collector) -> None:
    is_held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        if not is_held.is_set():
            is_held.set()
            go_on.wait(60)

    def answer(_path: str, _size: int) -> tuple[int, dict[str, str]]:
        if where == "status":
            hold()
        return (200, {"Content-Length": "5"})

    collector.answer = answer
    if where == "body":
        collector.before_body = hold
    process = start(
        collector,
        """
        tracer.start_span("held")
        sys.stdin.readline()
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            tracer.start_span("in the child")
            provider.force_flush()
            sys.exit(processor.counts.sent)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        sys.stdin.readline()
        provider.force_flush()
        print(processor.counts.sent)
        """,
    )
    assert is_held.wait(30)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("fork\n")
    process.stdin.flush()
    of_child = process.stdout.readline()
    go_on.set()

    assert of_child == "1\n"
    assert finish(process, "end\n") == (0, "1\n")
    assert sorted(collector.starts) == ["held", "in the child"]


def test_workers_that_were_forked_report_and_the_end_of_one_does_not_unwatch_the_others(collector: Collector) -> None:
    process = start(
        collector,
        """
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                tracer.start_span(f"worker {number}")
                provider.force_flush()
                provider.shutdown()
                time.sleep(0.6)
                os._exit(0)
            children.append(child)
        print([os.waitpid(child, 0)[1] for child in children])
        """,
        INTERVAL="0.1",
    )

    assert finish(process) == (0, "[0, 0, 0]\n")
    assert set(collector.starts) == {"worker 0", "worker 1", "worker 2"}
    assert "openclaw.activity.unwatched" not in {record["eventName"] for _, record in collector.records}


def test_a_forked_process_that_is_terminated_at_once_ends(collector: Collector) -> None:
    process = start(
        collector,
        """
        import multiprocessing
        def work():
            tracer.start_span("worker")
            provider.force_flush()
        context = multiprocessing.get_context("fork")
        worker = context.Process(target=work)
        worker.start()
        worker.join()
        codes = set()
        for _ in range(20):
            stuck = context.Process(target=time.sleep, args=(60,))
            stuck.start()
            stuck.terminate()
            stuck.join()
            codes.add(stuck.exitcode)
        print(worker.exitcode, codes)
        """,
    )

    assert finish(process) == (0, "0 {-15}\n")
    assert collector.starts == ["worker"]


GREEN = {
    "gevent": ("gevent", "from gevent import monkey; monkey.patch_all()\n"),
    "eventlet": ("eventlet", "import eventlet; eventlet.monkey_patch()\n"),
}


@pytest.mark.parametrize("order", ["before the import", "after the import", "after the first span"])
@pytest.mark.parametrize("library", list(GREEN))
def test_green_threads_do_not_break_it(library: str, order: str, collector: Collector) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed for this Python")
    name, patch = GREEN[library]
    program = f"import {name} as green\n" + textwrap.dedent(
        """
        def work():
            span = tracer.start_span("green")
            green.sleep(0.5)
            span.end()
        threads = [green.spawn(work) for _ in range(3)]
        green.sleep(1)
        provider.force_flush()
        print(processor.counts.sent)
        """
    )
    first = 'tracer.start_span("first")\ntime.sleep(0.5)\n'
    process = {
        "before the import": lambda: start(collector, program, patch + PROLOGUE),
        "after the import": lambda: start(collector, patch + program),
        "after the first span": lambda: start(collector, first + patch + program),
    }[order]()
    out, _ = process.communicate(timeout=60)

    sent = 4 if order == "after the first span" else 3
    assert (process.returncode, out) == (0, f"{sent}\n")
    assert collector.ends == ["green"] * 3
