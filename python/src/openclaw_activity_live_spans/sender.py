"""The thread that sends starts, ends and heartbeats."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

from .encoding import SpanEncoder, attributes_of
from .heartbeats import Heartbeats
from .http_client import HttpClient, Outcome, Status
from .open_work import Batch, OpenWork, Work
from .span_kind import HARNESS, OTHER, RUN, has_session, kind_of

_SWEEP_INTERVAL = 5.0
_LONGEST_WAIT = 5.0
_POLL_INTERVAL = 0.005
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_LONGEST_ASKED_PAUSE = 30.0
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"


class SenderSettings(NamedTuple):
    batch_delay: float
    max_open: int
    max_batch_size: int
    timeout: float
    heartbeat_interval: float
    on_problem: Callable[[str], None]


class _Flush:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_done = False

    def wait(self) -> None:
        """Polls, because an event of threads that were replaced by green ones later does not reach the others."""
        while not self.is_done and time.monotonic() < self.deadline:
            time.sleep(_POLL_INTERVAL)


class Sender:
    """Owns the open work and everything that waits. ``started`` and ``ended`` never wait; the thread starts with the first span.

    While the collector is away it pauses 0.5 to 10 s, or as long as the collector asks, at most 30 s. When the collector is
    back, it sends all open work again, because the collector may have lost its state. For the same reason it repeats all open
    work at each heartbeat.
    """

    def __init__(self, client: HttpClient, settings: SenderSettings) -> None:
        self._client = client
        self._settings = settings
        self.sent = 0
        self.refused = 0
        self._dropped_before = 0
        self._has_forked = False
        self._reset()

    def _reset(self) -> None:
        """An empty state, in a new process too: no lock, queue or thread of the old one is used."""
        self.work = OpenWork(self._settings.max_open)
        self._encoder = SpanEncoder()
        self._heartbeats = Heartbeats(
            lambda body: self._client.post("logs", body, _JSON, self._settings.timeout),
            self._client.address,
            self._settings.heartbeat_interval,
        )
        self._wakeups: queue.SimpleQueue[_Flush | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._due: float | None = None
        self._next_sweep = 0.0
        self._next_repeat = 0.0
        self._not_before = 0.0
        self._failures = 0
        self._is_busy = False
        self._batch_size = self._settings.max_batch_size
        self._closes_at: float | None = None
        self._is_closed = False
        self._problems: dict[str, str] = {}

    @property
    def dropped(self) -> int:
        return self._dropped_before + self.work.dropped

    def started(self, span: ReadableSpan, span_id: int) -> None:
        self.work.start(span, span_id)
        self._wake()

    def ended(self, span: ReadableSpan, span_id: int) -> None:
        if self.work.end(span, span_id):
            self._wake()

    def flush(self, within: float) -> None:
        """Sends what waits, now, in one attempt. Returns after ``within`` seconds at the latest."""
        if not self.work.is_waiting and not self._is_busy:
            return
        flush = _Flush(time.monotonic() + within)
        if self._ensure_thread():
            self._wakeups.put(flush)
            flush.wait()
        else:  # A process that is ending starts no threads.
            self._send_all(flush.deadline)

    def close(self) -> None:
        """Sends nothing more, but after an interval that nobody watches this process any more, should it run on."""
        if self._is_closed:
            return
        self._is_closed = True
        self.work.clear()
        self._closes_at = time.monotonic() + self._settings.heartbeat_interval
        if self._thread is not None:
            self._wakeups.put(None)

    def after_fork_in_parent(self) -> None:
        self._has_forked = True

    def after_fork_in_child(self) -> None:
        is_closed = self._is_closed
        self._client.abandon()
        self._has_forked = True
        self.sent = self.refused = self._dropped_before = 0
        self._reset()
        self._is_closed = is_closed

    def report(self, about: str, message: str) -> None:
        """Calls ``on_problem`` once for each new problem."""
        if self._problems.get(about) == message:
            return
        self._problems[about] = message
        with contextlib.suppress(Exception):
            self._settings.on_problem(message)

    def _wake(self) -> None:
        if self._due is None:
            self._due = time.monotonic() + self._settings.batch_delay
            if self._ensure_thread():
                self._wakeups.put(None)
            else:
                self._due = None

    def _ensure_thread(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        if not self._starting.acquire(blocking=False):
            return True  # Another thread is starting it.
        try:
            if (self._thread is None or not self._thread.is_alive()) and not self._is_closed:
                # Made with the thread, so that both are green or neither is.
                self._wakeups = queue.SimpleQueue()
                thread = threading.Thread(target=self._run, name="openclaw-activity-live-spans", daemon=True)
                thread.start()
                self._thread = thread
            return self._thread is not None and self._thread.is_alive()
        except RuntimeError as error:
            if "shutdown" not in str(error):  # Of the interpreter. What waits is sent by the flush at the end.
                self.report("thread", f"Live spans wait, because no thread can be started. {error}")
            return False
        finally:
            self._starting.release()

    def _run(self) -> None:
        while True:
            flushes: list[_Flush] = []
            try:
                item = self._wakeups.get(timeout=self._seconds_to_wait(time.monotonic()))
                while True:
                    if item is not None:
                        flushes.append(item)
                    item = self._wakeups.get_nowait()
            except queue.Empty:
                pass
            try:
                self._step(flushes)
            except Exception as error:
                self._due = None
                self.report("bug", f"Live spans could not be sent. {type(error).__name__}: {error}")
            finally:
                for flush in flushes:
                    flush.is_done = True
            if self._is_closed and self._finish(time.monotonic()):
                return

    def _seconds_to_wait(self, now: float) -> float:
        if self._is_closed:
            return max(0.0, (self._closes_at or now) - now)
        moments: list[float] = []
        if self._due is not None:
            moments.append(max(self._due, self._not_before))
        if len(self.work) > 0:
            moments.append(self._next_sweep)
            if self._settings.heartbeat_interval > 0:
                moments.append(self._next_repeat)
        if self._heartbeats.due is not None:
            moments.append(self._heartbeats.due)
        return max(0.0, min([*moments, now + _LONGEST_WAIT]) - now)

    def _step(self, flushes: list[_Flush]) -> None:
        now = time.monotonic()
        if flushes:
            self._send_all(max(flush.deadline for flush in flushes))
        if self._is_closed:
            return
        if self._due is not None and now >= max(self._due, self._not_before):
            self._send_all(None)
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_INTERVAL
            if self.work.resend([work for work in self.work.undecided() if self._is_decided_late(work)]):
                self._due = self._due or now
        if now >= self._next_repeat:
            is_first = self._next_repeat == 0.0
            self._next_repeat = now + self._settings.heartbeat_interval
            if not is_first and self._settings.heartbeat_interval > 0 and self.work.resend():
                self._due = self._due or now
        outcome = self._heartbeats.tick(self.work.open_resources(), now) if self._is_beating(now) else None
        if outcome is None:
            return
        if outcome.status is Status.ACCEPTED:
            self._problems.pop("heartbeats", None)
        else:
            self.report(
                "heartbeats",
                "The activity collector does not accept heartbeats; they are tried again at each interval. " + outcome.message,
            )

    def _is_beating(self, now: float) -> bool:
        due = self._heartbeats.due
        return due is not None and now >= due

    def _finish(self, now: float) -> bool:
        """Returns whether the thread has nothing more to do."""
        # A forked process may have the same identity, and its work is still watched.
        if self._heartbeats.has_processes and not self._has_forked:
            if now < (self._closes_at or now):
                return False
            with contextlib.suppress(Exception):
                self._heartbeats.unwatch()
        self._heartbeats.clear()
        self._client.close()
        return True

    def _send_all(self, deadline: float | None) -> None:
        """Sends what waits in one attempt, until ``deadline``."""
        self._is_busy = True
        self._due = None
        try:
            while True:
                batch = self.work.take(self._batch_size)
                if not batch.starts and not batch.ends:
                    return
                if not self._send(batch, deadline):
                    return
        finally:
            self._is_busy = False

    def _send(self, batch: Batch, deadline: float | None) -> bool:
        """Returns whether sending goes on."""
        try:
            starts = self._starts_of(batch)
            body = self._encoder.encode([(work.span, attributes) for work, attributes in starts], batch.ends)
        except Exception as error:
            self.refused += self.work.refused(batch)
            self.report("encoding", f"Live spans could not be encoded. {type(error).__name__}: {error}")
            return True
        batch = Batch([work for work, _ in starts], batch.ends)
        if not batch.starts and not batch.ends:
            return True
        timeout = self._settings.timeout
        if deadline is not None:
            timeout = min(timeout, deadline - time.monotonic())
        if timeout <= 0:
            outcome = Outcome(Status.RETRYABLE, "There was no time left.")
        else:
            outcome = self._client.post("traces", body, _PROTOBUF, timeout)
        return self._settle(batch, outcome)

    def _settle(self, batch: Batch, outcome: Outcome) -> bool:
        """Returns whether sending goes on."""
        now = time.monotonic()
        if outcome.status is Status.RETRYABLE:
            self.work.give_back(batch, may_have_arrived=outcome.may_have_arrived)
            self._failures += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures - 1, 16))
            pause *= 2 / 3 + random.random() / 3
            self._not_before = now + max(pause, min(outcome.retry_after or 0.0, _LONGEST_ASKED_PAUSE))
            self._due = now
            self.report(
                "traces",
                "The activity collector does not accept live spans; retrying until it does. " + outcome.message,
            )
            return False
        self._not_before = 0.0
        if outcome.status is Status.TOO_LARGE and self._batch_size > 1 and len(batch.starts) + len(batch.ends) > 1:
            self._batch_size = max(1, min(self._batch_size, len(batch.starts) + len(batch.ends)) // 2)
            self.work.give_back(batch, may_have_arrived=False)
            return True
        if outcome.status is not Status.ACCEPTED:
            self.refused += self.work.refused(batch)
            self.report("traces", f"The activity collector refuses live spans. {outcome.message}")
            return True
        if self._failures > 0:
            self._failures = 0
            self.work.resend()
        self.sent += self.work.accepted(batch)
        self._problems.pop("traces", None)
        self._heartbeats.opened({id(w.span.resource): w.span.resource for w in batch.starts}.values(), now)
        return True

    def _starts_of(self, batch: Batch) -> list[tuple[Work, Mapping[str, Any]]]:
        """The starts of a batch that are sent, with their attributes as they are now. The others are withheld."""
        starts: list[tuple[Work, Mapping[str, Any]]] = []
        for work in batch.starts:
            attributes = attributes_of(work.span)
            if self._is_withheld(work, attributes):
                self.work.withhold(work)
                continue
            above: list[tuple[Work, Mapping[str, Any]]] = []
            parent = work.span.parent
            while parent is not None:
                released = self.work.release(parent.span_id)
                if released is None:
                    break
                above.append((released, attributes_of(released.span)))
                parent = released.span.parent
            starts += [*reversed(above), (work, attributes)]
        return starts

    def _is_withheld(self, work: Work, attributes: Mapping[str, Any]) -> bool:
        """Some libraries create tools and model calls outside of any run and never end them, and so OpenClaw its harness runs."""
        scope = work.span.instrumentation_scope
        kind = kind_of(work.span.name, attributes, scope.name if scope is not None else "")
        work.is_decided = kind is not None
        if kind == HARNESS:
            return not work.is_known
        return kind not in (None, OTHER, RUN) and work.span.parent is None and not has_session(attributes)

    def _is_decided_late(self, work: Work) -> bool:
        was_withheld, was_decided = work.is_withheld, work.is_decided
        is_withheld = self._is_withheld(work, attributes_of(work.span))
        return not is_withheld and (was_withheld or (work.is_decided and not was_decided))


__all__ = ["Sender", "SenderSettings"]
