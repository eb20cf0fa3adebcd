"""Live spans without code: ``opentelemetry-instrument`` calls ``start`` after it made the tracer provider."""

from __future__ import annotations

import logging
from typing import Any, Callable

from opentelemetry import trace

from .environment import is_started_by
from .processor import LiveSpanProcessor

_logger = logging.getLogger("openclaw_activity_live_spans")
_MARK = "_openclaw_activity_live_spans"


def start() -> None:
    """Adds a processor to the global tracer provider, and to one that is set later. Only if the environment names a collector."""
    try:
        if is_started_by():
            _watch_providers()
            add_to(trace.get_tracer_provider())
    except Exception:
        _logger.exception("Live spans could not be started.")


def add_to(provider: Any) -> None:
    """Adds a processor to a provider of the SDK that has none. One that the application adds later takes its place."""
    add_span_processor: Callable[[Any], None] | None = getattr(provider, "add_span_processor", None)
    if add_span_processor is None or getattr(provider, _MARK, None) is not None or _has_processor(provider):
        return
    processor = LiveSpanProcessor()
    add_span_processor(processor)
    setattr(provider, _MARK, processor)

    def add(added: Any) -> None:
        if isinstance(added, LiveSpanProcessor) and added is not processor:
            processor.shutdown()
        add_span_processor(added)

    provider.add_span_processor = add


def _has_processor(provider: Any) -> bool:
    active = getattr(provider, "_active_span_processor", None)
    return any(isinstance(each, LiveSpanProcessor) for each in getattr(active, "_span_processors", ()))


def _watch_providers() -> None:
    set_tracer_provider: Any = trace.set_tracer_provider
    if getattr(set_tracer_provider, _MARK, False):
        return

    def set_and_add(tracer_provider: trace.TracerProvider) -> None:
        set_tracer_provider(tracer_provider)
        try:
            add_to(tracer_provider)
        except Exception:
            _logger.exception("Live spans could not be started.")

    setattr(set_and_add, _MARK, True)
    trace.set_tracer_provider = set_and_add
