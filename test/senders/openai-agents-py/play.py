"""A turn of the OpenAI Agents SDK with live spans. In the scenario `slow` the tool `get_time` takes 3 s."""

import asyncio
import sys

from agents import Agent, RunConfig, Runner, function_tool
from openclaw_activity_live_spans import LiveSpanProcessor
from openinference.instrumentation import using_session
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.instance.id": "openai-agents-py"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.add_span_processor(LiveSpanProcessor())
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)


@function_tool
def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@function_tool
async def get_time(city: str) -> str:
    """The time."""
    await asyncio.sleep(3 if sys.argv[1] == "slow" else 0)
    return "12:00"


agent = Agent(
    name="weather", instructions="Answer.", model="scripted-1", tools=[get_weather, get_time]
)

with using_session("session-1"):
    Runner.run_sync(
        agent,
        "What is it like in Oslo?",
        run_config=RunConfig(workflow_name="answer", group_id="group-1"),
    )
provider.shutdown()
