"""One turn of the OpenAI Agents SDK under OpenTelemetry's own instrumentation of it."""

import os

os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "span_and_event"
os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"

from agents import Agent, RunConfig, Runner, function_tool
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)


@function_tool
def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@function_tool
def get_time(city: str) -> str:
    """The time."""
    return "12:00"


agent = Agent(
    name="weather", instructions="Answer.", model="scripted-1", tools=[get_weather, get_time]
)

Runner.run_sync(
    agent,
    "What is it like in Oslo?",
    run_config=RunConfig(workflow_name="answer", group_id="group-1"),
)
provider.shutdown()
