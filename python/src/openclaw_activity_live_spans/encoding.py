"""Spans as OTLP protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from .open_work import context_of

END_SIGNAL = KeyValue(key="openclaw.activity.signal", value=AnyValue(string_value="end"))

# Longer values are prompts and documents, which only the finished span contains.
LONGEST_VALUE = 1024
LONGEST_LIST = 32
_MOST_RESOURCES = 64


def attributes_of(holder: Any) -> dict[str, Any]:
    """A copy of the attributes of a span that other threads may be changing."""
    attributes: Mapping[str, Any] | None = holder.attributes
    copied: dict[str, Any] = {}
    if attributes is None:
        return copied
    for _ in range(3):
        try:
            for key in list(attributes):
                copied[key] = attributes[key]
            break
        except (KeyError, RuntimeError):  # An attribute that is set again is absent for a moment.
            continue
    return copied


class SpanEncoder:
    """Encodes batches of spans, grouped by resource and scope. Keeps the last resources, because few spans have another."""

    def __init__(self) -> None:
        # With the resource itself, so that its id is not used for another one.
        self._resources: dict[int, tuple[Resource, ResourceMessage]] = {}

    def encode(self, starts: Sequence[tuple[ReadableSpan, Mapping[str, Any]]], ends: Sequence[ReadableSpan]) -> bytes:
        """``starts`` come with their attributes."""
        request = ExportTraceServiceRequest()
        resource_spans: dict[int, ResourceSpans] = {}
        scope_spans: dict[tuple[int, Any], ScopeSpans] = {}

        def scope_spans_of(span: ReadableSpan) -> ScopeSpans:
            resource, scope = span.resource, span.instrumentation_scope
            key = (id(resource), scope and (scope.name, scope.version, scope.schema_url))
            found = scope_spans.get(key)
            if found is None:
                parent = resource_spans.get(key[0])
                if parent is None:
                    parent = request.resource_spans.add(
                        resource=self._resource_of(resource), schema_url=resource.schema_url or ""
                    )
                    resource_spans[key[0]] = parent
                found = parent.scope_spans.add()
                if scope is not None:
                    found.scope.CopyFrom(InstrumentationScope(name=scope.name or "", version=scope.version or ""))
                    found.schema_url = scope.schema_url or ""
                scope_spans[key] = found
            return found

        for span, attributes in starts:
            _add(scope_spans_of(span), span, attributes)
        for span in ends:
            added = _add(scope_spans_of(span), span, attributes_of(span))
            added.end_time_unix_nano = span.end_time or 0
            added.attributes.append(END_SIGNAL)
            code: Any = span.status.status_code.value
            if code != 0:
                added.status.CopyFrom(Status(code=code))
        return bytes(request.SerializeToString())

    def _resource_of(self, resource: Resource) -> ResourceMessage:
        known = self._resources.get(id(resource))
        if known is None:
            if len(self._resources) >= _MOST_RESOURCES:
                self._resources.clear()
            known = (resource, ResourceMessage(attributes=_key_values(resource.attributes)[0]))
            self._resources[id(resource)] = known
        return known[1]


def short_value(value: Any) -> Any:
    """The value if it belongs into a start: text of at most 1024 characters, a number, or a short list of such. Else none."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else None
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)) and len(value) <= LONGEST_LIST:
        is_short = all(
            isinstance(each, (bool, int, float)) or (isinstance(each, str) and len(each) <= LONGEST_VALUE) for each in value
        )
        return value if is_short else None
    return None


def _add(to: ScopeSpans, span: ReadableSpan, attributes: Mapping[str, Any]) -> Span:
    context = context_of(span)
    key_values, left_out = _key_values(attributes)
    added: Span = to.spans.add(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        name=_valid(span.name),
        kind=span.kind.value + 1,
        start_time_unix_nano=span.start_time or 0,
        attributes=key_values,
        dropped_attributes_count=left_out,
    )
    if context.trace_state:
        added.trace_state = context.trace_state.to_header()
    parent = span.parent
    if parent is not None and parent.span_id != 0:
        added.parent_span_id = parent.span_id.to_bytes(8, "big")
    return added


def _key_values(attributes: Mapping[str, Any]) -> tuple[list[KeyValue], int]:
    """The short attributes, and how many are left out."""
    key_values: list[KeyValue] = []
    for key, value in attributes.items():
        short = short_value(value)
        if short is not None:
            with suppress(ValueError, TypeError):  # An integer of more than 64 bits, or text that is not Unicode.
                key_values.append(KeyValue(key=key, value=_any_value(short)))
    return key_values, len(attributes) - len(key_values)


def _any_value(value: Any) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[_any_value(each) for each in value]))


def _valid(text: str) -> str:
    """The text without halves of surrogate pairs, which UTF-8 cannot express."""
    return text.encode("utf-8", "replace").decode("utf-8")
