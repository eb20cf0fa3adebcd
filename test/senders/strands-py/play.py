"""A turn of Strands Agents, whose spans say only at their end what they are; their names do before.

In the scenario `slow` the tool `get_time` takes 3 s.
"""

import os
import sys
import time

from openclaw_activity_live_spans import LiveSpanProcessor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.instance.id": "strands-py"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.add_span_processor(LiveSpanProcessor())
trace.set_tracer_provider(provider)

from strands import Agent, tool  # noqa: E402
from strands.models.openai import OpenAIModel  # noqa: E402


@tool
def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@tool
def get_time(city: str) -> str:
    """The time."""
    time.sleep(3 if sys.argv[1] == "slow" else 0)
    return "12:00"


model = OpenAIModel(
    client_args={"api_key": "none", "base_url": os.environ["OPENAI_BASE_URL"]}, model_id="scripted-1"
)
agent = Agent(
    model=model,
    tools=[get_weather, get_time],
    callback_handler=None,
    trace_attributes={"session.id": "session-1"},
)
agent("What is it like in Oslo?")
provider.shutdown()
