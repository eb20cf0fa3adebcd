"""Reports the runs, tools and model calls of AI agents to a collector when they start, and when they end.

>>> from opentelemetry.sdk.trace import TracerProvider
>>> from openclaw_activity_live_spans import LiveSpanProcessor
>>> provider = TracerProvider()
>>> provider.add_span_processor(LiveSpanProcessor(endpoint="http://127.0.0.1:4318"))
"""

from .processor import Counts, LiveSpanProcessor

__all__ = ["Counts", "LiveSpanProcessor"]
__version__ = "0.1.0"
