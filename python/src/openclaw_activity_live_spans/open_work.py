"""The open spans of this process, and what of them waits to be sent."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

_T = TypeVar("_T")

_FORGOTTEN_PER_OPEN = 16


class Work:
    """A span that started and has not ended, as far as is known."""

    __slots__ = (
        "ended",
        "is_counted",
        "is_decided",
        "is_known",
        "is_sending",
        "is_withheld",
        "span",
        "span_id",
    )

    def __init__(self, span: ReadableSpan, span_id: int) -> None:
        self.span = span
        self.span_id = span_id
        self.is_known = False
        """The collector accepted its start, or may have."""
        self.is_sending = False
        self.is_withheld = False
        """It is not sent while nothing says that it is work which ends."""
        self.is_decided = False
        """Its attributes say what it is, as far as they were read."""
        self.is_counted = False
        """It is in one of the counts."""
        self.ended: ReadableSpan | None = None
        """The finished span, when it ended while its start was being sent."""


class Batch(NamedTuple):
    starts: list[Work]
    ends: list[ReadableSpan]


class OpenWork:
    """At most ``max_open`` spans; beyond it the oldest is forgotten. The same bound holds for the ends that wait.

    The lock is reentrant, because a signal handler or a finalizer may end a span in the middle of any call. Nothing waits
    while it is held.
    """

    def __init__(self, max_open: int) -> None:
        self._max_open = max(1, max_open)
        self._lock = threading.RLock()
        self._open: OrderedDict[int, Work] = OrderedDict()
        self._waiting: dict[int, Work] = {}
        self._ends: OrderedDict[int, ReadableSpan] = OrderedDict()
        # Of forgotten spans that the collector knows, so that it learns of their end all the same.
        self._forgotten: OrderedDict[int, None] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting or self._ends)

    def start(self, span: ReadableSpan, span_id: int) -> None:
        work = Work(span, span_id)
        with self._lock:
            if len(self._open) >= self._max_open:
                self._forget_oldest()
            self._open[span_id] = work
            self._waiting[span_id] = work

    def end(self, span: ReadableSpan, span_id: int) -> bool:
        """Returns whether an end has to be sent."""
        with self._lock:
            work = self._open.pop(span_id, None)
            if work is None:
                if span_id not in self._forgotten:
                    return False
                del self._forgotten[span_id]
            else:
                self._waiting.pop(span_id, None)
                if work.is_sending:
                    work.ended = span
                    return False
                if not work.is_known:
                    return False
            self._add_end(span_id, span)
            return True

    def take(self, most: int) -> Batch:
        """The oldest starts and ends that wait. Each batch is settled by one of the next three methods."""
        with self._lock:
            starts = _first(self._waiting, most)
            for work in starts:
                del self._waiting[work.span_id]
                work.is_sending = True
            ends = _first(self._ends, most - len(starts))
            for end in ends:
                del self._ends[_id_of(end)]
            return Batch(starts, ends)

    def accepted(self, batch: Batch) -> int:
        """Returns how many of the starts were not accepted before."""
        with self._lock:
            for work in batch.starts:
                work.is_sending = False
                work.is_known = True
                self._add_end_of(work)
            return self._count(batch.starts)

    def refused(self, batch: Batch) -> int:
        """The starts will not be sent soon, the ends never. Returns how many of the starts were not counted before."""
        with self._lock:
            for work in batch.starts:
                work.is_sending = False
                self._add_end_of(work)
            return self._count(batch.starts)

    def give_back(self, batch: Batch, *, may_have_arrived: bool) -> None:
        """The batch has to be sent again. Of work that ended meanwhile, only the end, and only if its start may be known."""
        with self._lock:
            waiting: dict[int, Work] = {}
            for work in batch.starts:
                work.is_sending = False
                work.is_known = work.is_known or may_have_arrived
                self._add_end_of(work)
                if self._open.get(work.span_id) is work:
                    waiting[work.span_id] = work
            waiting.update(self._waiting)
            self._waiting = waiting
            newer, self._ends = self._ends, OrderedDict()
            for end in (*batch.ends, *newer.values()):
                self._add_end(_id_of(end), end)

    def withhold(self, work: Work) -> None:
        """Takes work that is being sent out of its batch."""
        with self._lock:
            work.is_sending = False
            work.is_withheld = True
            self._add_end_of(work)

    def release(self, span_id: int) -> Work | None:
        """Returns the withheld work with this id, which is then being sent."""
        with self._lock:
            work = self._open.get(span_id)
            if work is None or not work.is_withheld:
                return None
            work.is_withheld = False
            work.is_sending = True
            return work

    def resend(self, some: Iterable[Work] | None = None) -> bool:
        """Queues ``some`` of the open work, or all of it but what is withheld. Returns whether there is any."""
        with self._lock:
            for work in list(self._open.values()) if some is None else some:
                if self._open.get(work.span_id) is work and not work.is_sending and (some is not None or not work.is_withheld):
                    work.is_withheld = False
                    self._waiting[work.span_id] = work
            return bool(self._waiting)

    def undecided(self) -> list[Work]:
        """Open work that was read and whose attributes did not say what it is, or that is withheld."""
        with self._lock:
            return [
                work
                for work in self._open.values()
                if work.is_withheld or (not work.is_decided and work.span_id not in self._waiting)
            ]

    def open_resources(self) -> list[Resource]:
        """The resources with open work that the collector knows."""
        with self._lock:
            known = [work.span.resource for work in self._open.values() if work.is_known]
        return list({id(resource): resource for resource in known}.values())

    def clear(self) -> None:
        with self._lock:
            for table in (self._open, self._waiting, self._ends, self._forgotten):
                table.clear()

    def _count(self, starts: list[Work]) -> int:
        uncounted = [work for work in starts if not work.is_counted]
        for work in uncounted:
            work.is_counted = True
        return len(uncounted)

    def _add_end_of(self, work: Work) -> None:
        if work.ended is not None and work.is_known:
            self._add_end(work.span_id, work.ended)
            work.ended = None

    def _add_end(self, span_id: int, span: ReadableSpan) -> None:
        if len(self._ends) >= self._max_open:
            self._ends.popitem(last=False)
            self.dropped += 1
        self._ends[span_id] = span

    def _forget_oldest(self) -> None:
        _, oldest = self._open.popitem(last=False)
        self._waiting.pop(oldest.span_id, None)
        if oldest.is_known or oldest.is_sending:
            if len(self._forgotten) >= _FORGOTTEN_PER_OPEN * self._max_open:
                self._forgotten.popitem(last=False)
            self._forgotten[oldest.span_id] = None
        if not oldest.is_known:
            self.dropped += 1


def context_of(span: ReadableSpan) -> SpanContext:
    """The context of a span that was started, which always has one."""
    context = span.get_span_context()
    assert context is not None
    return context


def _first(table: dict[int, _T], most: int) -> list[_T]:
    return [value for value, _ in zip(table.values(), range(most))]


def _id_of(span: ReadableSpan) -> int:
    return context_of(span).span_id
