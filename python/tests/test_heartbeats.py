from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import App, Collector
from opentelemetry.sdk.resources import Resource

Create = Callable[..., App]
PROCESS = Resource({"service.name": "agent", "host.name": "h", "process.pid": 7, "list": ["a"], "long": "x" * 2000})


def states(collector: Collector) -> list[Any]:
    return [record for _, record in collector.records if record["eventName"] == "entity.state"]


def attributes_of(record: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record.get("attributes", [])}


def test_while_work_is_open_the_process_says_that_it_is_alive(collector: Collector, app: Create) -> None:
    each = app(heartbeat_interval=0.1)
    each.tracer.start_span("run")
    collector.until(lambda: len(states(collector)) >= 3)

    resource, record = collector.records[0]
    assert resource == {"service.name": "agent", "service.instance.id": "a"}
    assert attributes_of(record) == {
        "entity.type": {"stringValue": "service.instance"},
        "entity.id": {"kvlistValue": {"values": [{"key": "service.instance.id", "value": {"stringValue": "a"}}]}},
        "entity.report.interval": {"intValue": "1"},
    }
    assert record["severityNumber"] == 9
    scope = collector.reports[0]["resourceLogs"][0]["scopeLogs"][0]["scope"]
    assert scope == {"name": "openclaw-activity-preload"}


def test_a_process_without_instance_id_is_named_by_its_pid_and_host(collector: Collector, app: Create) -> None:
    each = app(heartbeat_interval=60, resource=PROCESS)
    each.tracer.start_span("run")
    collector.until(lambda: states(collector))

    resource, record = collector.records[0]
    assert "long" not in resource
    assert (resource["process.pid"], resource["host.name"]) == ("7", "h")
    assert attributes_of(record)["entity.type"] == {"stringValue": "process"}
    assert attributes_of(record)["entity.id"] == {"kvlistValue": {"values": [{"key": "process.pid", "value": {"intValue": "7"}}]}}


@pytest.mark.parametrize(
    "resource", [{"service.name": "agent"}, {"process.pid": 7}, {"host.name": "h"}, {"service.instance.id": ""}]
)
def test_a_resource_that_does_not_name_its_process_gets_none(resource: dict[str, Any], collector: Collector, app: Create) -> None:
    each = app(heartbeat_interval=0.05, resource=Resource(resource))
    each.tracer.start_span("run")
    # The starts are repeated all the same.
    collector.until(lambda: len(collector.starts) >= 4)

    assert collector.reports == []


def test_an_interval_of_zero_sends_none_and_repeats_nothing(collector: Collector, app: Create) -> None:
    each = app(heartbeat_interval=0)
    each.tracer.start_span("run")
    each.provider.force_flush()
    each.tracer.start_span("other")
    each.provider.force_flush()

    assert (collector.starts, collector.reports) == (["run", "other"], [])


def test_after_a_minute_without_open_work_the_promise_ends(
    collector: Collector, app: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openclaw_activity_live_spans.heartbeats.LINGER", 0.2)
    each = app(heartbeat_interval=0.05)
    run = each.tracer.start_span("run")
    collector.until(lambda: states(collector))
    run.end()
    collector.until(lambda: "entity.report.interval" not in attributes_of(states(collector)[-1]))

    last = len(states(collector))
    each.tracer.start_span("next")
    collector.until(lambda: len(states(collector)) > last)
    assert "entity.report.interval" in attributes_of(states(collector)[last])


def test_a_process_that_runs_on_after_the_shutdown_says_that_its_work_is_unwatched(collector: Collector, app: Create) -> None:
    each = app(heartbeat_interval=0.3)
    each.tracer.start_span("run")
    collector.until(lambda: states(collector))
    each.provider.shutdown()
    collector.until(lambda: collector.records[-1][1]["eventName"] == "openclaw.activity.unwatched")

    assert collector.records[-1][0]["service.instance.id"] == "a"
    assert "attributes" not in collector.records[-1][1]


def test_the_work_is_not_unwatched_while_another_processor_reports_the_same_process(collector: Collector, app: Create) -> None:
    first, second = app(heartbeat_interval=0.1), app(heartbeat_interval=0.1)
    first.tracer.start_span("first")
    second.tracer.start_span("second")
    collector.until(lambda: len(states(collector)) >= 4)
    first.provider.shutdown()
    thread = first.processor._sender._thread
    assert thread is not None
    thread.join(20)

    assert not thread.is_alive()
    assert {record["eventName"] for _, record in collector.records} == {"entity.state"}


def test_a_collector_that_refuses_logs_still_gets_starts(collector: Collector, app: Create, problems: list[str]) -> None:
    collector.answer = lambda path, _size: (404 if path.endswith("logs") else 200, {})
    each = app(heartbeat_interval=0.05)
    each.tracer.start_span("run")
    collector.until(lambda: len(collector.starts) >= 4 and problems)

    assert problems == [
        "The activity collector does not accept heartbeats; they are tried again at each interval. It answered with status 404."
    ]
