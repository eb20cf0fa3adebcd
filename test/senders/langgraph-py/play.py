"""Turns of a LangGraph agent, whose spans say only at their end what they are.

`slow`: the second of two turns has a tool that takes 3 s. `background`: in the second turn the tool `get_time` starts itself again in the
background and returns; the turn ends, and that goes on until the program has ended.
"""

import asyncio
import sys

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openclaw_activity_live_spans import LiveSpanProcessor
from openinference.instrumentation import using_session
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.instance.id": "langgraph-py"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.add_span_processor(LiveSpanProcessor())
LangChainInstrumentor().instrument(tracer_provider=provider)

scenario = sys.argv[1]
turn = 0
left: list[asyncio.Task] = []


@tool
async def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@tool
async def get_time(city: str) -> str:
    """The time."""
    if scenario == "slow" and turn == 2:
        await asyncio.sleep(3)
    if scenario == "background" and turn == 2:
        if city == "background":
            await asyncio.sleep(600)
        left.append(asyncio.create_task(get_time.ainvoke({"city": "background"})))
        await asyncio.sleep(1)
    return "12:00"


async def main() -> None:
    global turn
    agent = create_agent(ChatOpenAI(model="scripted-1"), [get_weather, get_time])
    for turn in (1, 2):
        with using_session(f"session-{turn}"):
            await agent.ainvoke({"messages": [("user", "What is it like in Oslo?")]})
        provider.force_flush()
    if left:
        await asyncio.sleep(8)


asyncio.run(main())
provider.shutdown()
