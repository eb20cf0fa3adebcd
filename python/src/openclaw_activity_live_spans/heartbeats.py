"""Reports that the process is alive, while it has open work."""

from __future__ import annotations

import json
import math
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from opentelemetry.sdk.resources import Resource

from .http_client import Outcome, Status
from .process_identity import key_values_of, process_key_of

# How long heartbeats continue without open work, because the exporter may still have the ends.
LINGER = 60.0
# How many resources of one process get heartbeats; further ones get none.
_MOST_PROCESSES = 64
# The collector recognizes the reports by these names.
_SCOPE = {"name": "openclaw-activity-preload"}
_STATE_EVENT = "entity.state"
_UNWATCHED_EVENT = "openclaw.activity.unwatched"

_all: weakref.WeakSet[Heartbeats]
_all_lock = threading.RLock()


class _Process:
    def __init__(self, attributes: Mapping[str, Any], now: float) -> None:
        self.attributes = attributes
        self.open_at = now


class Heartbeats:
    """The heartbeats of one processor to one collector. Used by the sending thread alone.

    A resource that does not identify its process (neither an instance id, nor host and pid) gets none: the collector would
    attribute them to another process.
    """

    def __init__(self, post: Callable[[bytes], Outcome], destination: object, interval: float) -> None:
        self._post = post
        self._destination = destination
        self._interval = interval
        self._processes: dict[str, _Process] = {}
        self._keys: dict[int, tuple[Resource, str | None]] = {}
        self._due: float | None = None
        with _all_lock:
            _all.add(self)

    @property
    def due(self) -> float | None:
        """When ``tick`` has something to send."""
        return self._due

    @property
    def has_processes(self) -> bool:
        return bool(self._processes)

    def opened(self, resources: Iterable[Resource], now: float) -> None:
        """The collector knows open work of these resources. The first heartbeat of a process is due at once."""
        if self._interval <= 0:
            return
        for resource in resources:
            key = self._key_of(resource)
            if key is None:
                continue
            known = self._processes.get(key)
            if known is not None:
                known.open_at = now
            elif len(self._processes) < _MOST_PROCESSES:
                self._processes[key] = _Process(dict(resource.attributes), now)
                self._due = now

    def tick(self, open_resources: Iterable[Resource], now: float) -> Outcome | None:
        """Sends the heartbeats that are due. Of a process without open work for a minute it is said that no more will come."""
        if self._due is None or now < self._due:
            return None
        self.opened(open_resources, now)
        over = [key for key, process in self._processes.items() if now - process.open_at >= LINGER]
        others = self._keys_of_others()
        reports = [
            _report_of(process.attributes, _STATE_EVENT, None if key in over else self._interval)
            for key, process in self._processes.items()
            if key not in over or key not in others
        ]
        outcome = self._post(_request_of(reports)) if reports else Outcome(Status.ACCEPTED)
        if outcome.status is not Status.RETRYABLE:
            for key in over:
                del self._processes[key]
        self._due = now + self._interval if self._processes else None
        return outcome

    def unwatch(self) -> None:
        """Nobody reports the work of this process any more."""
        others = self._keys_of_others()
        reports = [
            _report_of(process.attributes, _UNWATCHED_EVENT, None)
            for key, process in self._processes.items()
            if key not in others
        ]
        if reports:
            self._post(_request_of(reports))
        self.clear()

    def clear(self) -> None:
        self._processes.clear()
        self._due = None

    def _key_of(self, resource: Resource) -> str | None:
        known = self._keys.get(id(resource))
        if known is None:
            if len(self._keys) >= _MOST_PROCESSES:
                self._keys.clear()
            # With the resource itself, so that its id is not used for another one.
            known = (resource, process_key_of(resource.attributes))
            self._keys[id(resource)] = known
        return known[1]

    def _keys_of_others(self) -> set[str]:
        """The processes that another processor of this process reports to the same collector."""
        with _all_lock:
            others = [each for each in _all if each is not self and each._destination == self._destination]
        return {key for each in others for key in list(each._processes)}


_all = weakref.WeakSet()


def forget_all() -> None:
    """In a forked process, whose parent's threads may hold the lock."""
    global _all_lock
    _all_lock = threading.RLock()
    _all.clear()


def _report_of(attributes: Mapping[str, Any], event: str, interval: float | None) -> dict[str, Any]:
    instance = attributes.get("service.instance.id")
    if event == _UNWATCHED_EVENT:
        described: list[dict[str, Any]] = []
    else:
        name = "process.pid" if instance in (None, "") else "service.instance.id"
        described = [
            *key_values_of({"entity.type": "process" if name == "process.pid" else "service.instance"}),
            {
                "key": "entity.id",
                "value": {"kvlistValue": {"values": key_values_of({name: attributes.get(name)})}},
            },
        ]
        if interval is not None:
            described += key_values_of({"entity.report.interval": max(1, math.ceil(interval))})
    now = str(time.time_ns())
    record: dict[str, Any] = {
        "timeUnixNano": now,
        "observedTimeUnixNano": now,
        "severityNumber": 9,
        "eventName": event,
    }
    if described:
        record["attributes"] = described
    return {
        "resource": {"attributes": key_values_of(attributes)},
        "scopeLogs": [{"scope": _SCOPE, "logRecords": [record]}],
    }


def _request_of(reports: list[dict[str, Any]]) -> bytes:
    return json.dumps({"resourceLogs": reports}).encode()
