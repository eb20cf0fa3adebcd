from __future__ import annotations

from typing import Any, Callable

from conftest import NEVER, SIGNAL, App, Collector, values_of
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from openclaw_activity_live_spans import LiveSpanProcessor

Create = Callable[..., App]


def test_a_start_has_the_attributes_that_were_set_right_after_it(collector: Collector, app: Create) -> None:
    each = app(batch_delay=NEVER)
    run = each.tracer.start_span("invoke_agent helper", kind=SpanKind.CLIENT)
    run.set_attribute("gen_ai.operation.name", "invoke_agent")
    run.set_attribute("gen_ai.conversation.id", "c1")
    each.provider.force_flush()

    start = collector.span("invoke_agent helper")
    assert values_of(start.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": "c1",
    }
    context = run.get_span_context()
    assert start.trace_id == context.trace_id.to_bytes(16, "big")
    assert start.span_id == context.span_id.to_bytes(8, "big")
    assert (start.parent_span_id, start.end_time_unix_nano, start.kind) == (b"", 0, start.SPAN_KIND_CLIENT)
    assert start.start_time_unix_nano == run.start_time  # type: ignore[attr-defined]
    (resource_spans,) = collector.requests[0].resource_spans
    assert values_of(resource_spans.resource.attributes) == {
        "service.name": "agent",
        "service.instance.id": "a",
    }
    scope = resource_spans.scope_spans[0].scope
    assert (scope.name, scope.version) == ("agents", "1.2")


def test_long_values_are_left_out_and_counted(collector: Collector, app: Create) -> None:
    each = app()
    each.tracer.start_span("run", attributes={"prompt": "x" * 1025, "short": "x" * 1024, "list": ["a", "b"]})
    collector.until(lambda: collector.starts)

    start = collector.span("run")
    assert sorted(values_of(start.attributes)) == ["list", "short"]
    assert start.dropped_attributes_count == 1


def test_a_value_that_cannot_be_encoded_does_not_lose_the_span(collector: Collector, app: Create) -> None:
    each = app()
    each.tracer.start_span("run \ud800", attributes={"big": 2**70, "half": "\ud800", "good": 1})
    collector.until(lambda: collector.starts)

    (start,) = collector.spans
    assert start.name == "run ?"
    assert values_of(start.attributes) == {"good": 1}


def test_an_end_is_a_copy_of_the_finished_span_that_says_so(collector: Collector, app: Create) -> None:
    each = app()
    run = each.tracer.start_span("run")
    collector.until(lambda: collector.starts)
    run.add_event("event")
    run.set_attribute("later", True)
    run.set_status(StatusCode.ERROR, "no luck")
    run.end()
    collector.until(lambda: collector.ends)

    end = collector.span("run", ended=True)
    assert values_of(end.attributes) == {"later": True, SIGNAL: "end"}
    # The message of a status may have content.
    assert (end.status.code, end.status.message) == (end.status.STATUS_CODE_ERROR, "")
    assert end.end_time_unix_nano == run.end_time  # type: ignore[attr-defined]
    assert list(end.events) == []
    assert end.span_id == collector.span("run").span_id


def test_a_span_that_ended_before_the_flush_is_never_sent(collector: Collector, app: Create) -> None:
    each = app(batch_delay=NEVER)
    each.tracer.start_span("short").end()
    each.tracer.start_span("long")
    each.provider.force_flush()

    assert (collector.starts, collector.ends) == (["long"], [])


def test_every_open_span_is_sent_also_if_nothing_says_what_it_is(collector: Collector, app: Create) -> None:
    each = app()
    outer = each.tracer.start_span("step")
    each.tracer.start_span("inner", context=set_span_in_context(outer))
    collector.until(lambda: len(collector.starts) == 2)

    assert collector.span("inner").parent_span_id == collector.span("step").span_id


def test_spans_that_are_not_sampled_are_not_sent(collector: Collector, problems: list[str]) -> None:
    processor = LiveSpanProcessor(collector.endpoint, flush_on_sigterm=False, heartbeat_interval=0)
    provider = TracerProvider(sampler=sampling.ParentBased(sampling.ALWAYS_OFF), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("t").start_span("unsampled")
    provider.force_flush()
    provider.shutdown()

    assert collector.attempts == 0


TOOL = {"gen_ai.operation.name": "execute_tool"}


def test_a_tool_without_parent_and_session_is_withheld_until_it_has_a_session(
    collector: Collector, app: Create, monkeypatch: Any
) -> None:
    monkeypatch.setattr("openclaw_activity_live_spans.sender._SWEEP_INTERVAL", 0.05)
    each = app()
    each.tracer.start_span("lonely", attributes=TOOL)
    later = each.tracer.start_span("later", attributes=TOOL)
    each.tracer.start_span("in a session", attributes={**TOOL, "session.id": "s"})
    each.tracer.start_span("below", attributes=TOOL, context=set_span_in_context(each.tracer.start_span("run")))
    collector.until(lambda: len(collector.starts) == 3)
    assert sorted(collector.starts) == ["below", "in a session", "run"]

    later.set_attribute("session.id", "s")
    collector.until(lambda: "later" in collector.starts)
    assert "lonely" not in collector.starts


def test_a_harness_run_is_sent_when_something_starts_below_it(collector: Collector, app: Create) -> None:
    each = app()
    harness = each.tracer.start_span("openclaw.harness.run")
    each.tracer.start_span("openclaw.harness.run")
    each.tracer.start_span("other")
    collector.until(lambda: collector.starts)
    assert collector.starts == ["other"]

    each.tracer.start_span("openclaw.run", context=set_span_in_context(harness))
    collector.until(lambda: len(collector.starts) == 3)
    assert collector.starts == ["other", "openclaw.harness.run", "openclaw.run"]


def test_a_deciding_attribute_that_comes_late_is_sent_again(collector: Collector, app: Create, monkeypatch: Any) -> None:
    monkeypatch.setattr("openclaw_activity_live_spans.sender._SWEEP_INTERVAL", 0.05)
    each = app()
    run = each.tracer.start_span("step")
    decided = each.tracer.start_span("run", attributes={"gen_ai.operation.name": "invoke_agent"})
    collector.until(lambda: len(collector.starts) == 2)
    decided.set_attribute("more", 1)
    run.set_attribute("openinference.span.kind", "AGENT")
    collector.until(lambda: len(collector.starts) == 3)

    assert collector.starts == ["step", "run", "step"]
    assert values_of(collector.span("step").attributes) == {"openinference.span.kind": "AGENT"}


def test_spans_of_several_resources_and_scopes_are_grouped(collector: Collector, app: Create) -> None:
    each = app(batch_delay=NEVER)
    for scope in ("one", "two", "one"):
        each.provider.get_tracer(scope).start_span("s")
    each.provider.force_flush()

    (resource_spans,) = collector.requests[0].resource_spans
    assert [(each.scope.name, len(each.spans)) for each in resource_spans.scope_spans] == [
        ("one", 2),
        ("two", 1),
    ]


def test_a_remote_parent_is_a_parent(collector: Collector, app: Create) -> None:
    each = app()
    remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
    context = set_span_in_context(trace.NonRecordingSpan(remote))
    each.tracer.start_span("tool", attributes=TOOL, context=context)
    collector.until(lambda: collector.starts)

    assert collector.span("tool").parent_span_id == (2).to_bytes(8, "big")
