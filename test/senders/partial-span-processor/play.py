"""One turn of Pydantic AI with a processor that sends the open spans as logs, again and again.

"killed": the process is killed while a tool hangs. "abandoned": an agent of one's own gives a tool up and
ends its run, the tool's span is never ended, and the process goes on for a while. The processor's own defaults are 5 s for all three
of its intervals; shorter ones keep this short.
"""

import asyncio
import os
import signal
import sys
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from partial_span_processor import PartialSpanProcessor
from pydantic_ai import Agent

scenario = sys.argv[1]
provider = TracerProvider(resource=Resource.create())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.add_span_processor(
    PartialSpanProcessor(
        OTLPLogExporter(),
        heartbeat_interval_millis=500,
        initial_heartbeat_delay_millis=100,
        process_interval_millis=100,
        resource=Resource.create(),
    )
)
trace.set_tracer_provider(provider)
Agent.instrument_all()

agent = Agent("openai-chat:scripted-1", name="weather")


@agent.tool_plain
async def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@agent.tool_plain
async def get_time(city: str) -> str:
    """The time."""
    await asyncio.sleep(1.3)
    if scenario == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return "12:00"


def abandon() -> None:
    tracer = trace.get_tracer("my-agent")
    run = tracer.start_span(
        "invoke_agent weather",
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": "session-1",
        },
    )
    tracer.start_span(
        "execute_tool get_time",
        context=trace.set_span_in_context(run),
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_time"},
    )
    time.sleep(1)
    run.end()
    time.sleep(1)


if scenario == "abandoned":
    abandon()
else:
    agent.run_sync("What is it like in Oslo?", conversation_id="session-1")
provider.shutdown()
