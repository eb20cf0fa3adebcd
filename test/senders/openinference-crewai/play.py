"""One task of a crew of one agent under OpenInference, the model through the OpenAI client."""

import os

os.environ["CREWAI_DISABLE_TELEMETRY"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"
endpoint = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from openinference.instrumentation import using_session
from openinference.instrumentation.crewai import CrewAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
CrewAIInstrumentor().instrument(tracer_provider=provider)
OpenAIInstrumentor().instrument(tracer_provider=provider)


@tool("get_weather")
def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@tool("get_time")
def get_time(city: str) -> str:
    """The time."""
    return "12:00"


agent = Agent(
    role="weather",
    goal="Answer.",
    backstory="None.",
    llm=LLM(model="openai/gpt-4o", base_url=os.environ["OPENAI_BASE_URL"], api_key="none"),
    tools=[get_weather, get_time],
)
task = Task(description="What is it like in Oslo?", expected_output="A sentence.", agent=agent)
with using_session("session-1"):
    Crew(name="answer", agents=[agent], tasks=[task]).kickoff()
provider.shutdown()
