"""One turn of a LangChain agent, traced by LangSmith over OTLP."""

import os

os.environ["LANGSMITH_TRACING"] = "true"
os.environ["LANGSMITH_OTEL_ENABLED"] = "true"
os.environ["LANGSMITH_OTEL_ONLY"] = "true"
os.environ["LANGSMITH_ENDPOINT"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
os.environ["LANGSMITH_API_KEY"] = "none"
os.environ["LANGCHAIN_REVISION_ID"] = "none"

from langchain.agents import create_agent
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langsmith import run_trees
from opentelemetry import trace


def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


def get_time(city: str) -> str:
    """The time."""
    return "12:00"


agent = create_agent(
    ChatOpenAI(model="scripted-1", use_responses_api=False),
    tools=[get_weather, get_time],
    name="weather",
)
agent.invoke(
    {"messages": [{"role": "user", "content": "What is it like in Oslo?"}]},
    {"metadata": {"session_id": "session-1"}},
)
wait_for_all_tracers()
run_trees.get_cached_client().flush()
trace.get_tracer_provider().force_flush()
