"""One turn of Pydantic AI under Logfire, which sends a pending span for every span that starts.

"unfinished": the turn is cancelled while a tool hangs. "killed": the process is.
"""

import asyncio
import os
import signal
import sys

import logfire
from pydantic_ai import Agent

scenario = sys.argv[1]
# Pending spans go where Logfire itself is taken to be, never to an endpoint of OTEL_EXPORTER_OTLP_*.
endpoint = os.environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT")
logfire.configure(
    token="none",
    advanced=logfire.AdvancedOptions(base_url=endpoint),
    console=False,
    metrics=False,
    inspect_arguments=False,
)
logfire.instrument_pydantic_ai()

agent = Agent("openai-chat:scripted-1", name="weather")


@agent.tool_plain
async def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


@agent.tool_plain
async def get_time(city: str) -> str:
    """The time."""
    await asyncio.sleep(0.6)
    if scenario == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if scenario == "unfinished":
        await asyncio.sleep(3600)
    return "12:00"


async def turn() -> None:
    run = agent.run("What is it like in Oslo?", conversation_id="session-1")
    if scenario == "unfinished":
        try:
            await asyncio.wait_for(run, 1)
        except TimeoutError:
            pass
    else:
        await run


asyncio.run(turn())
logfire.shutdown()
