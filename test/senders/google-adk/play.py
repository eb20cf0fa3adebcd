"""One turn of a Google ADK agent with a model that is scripted in this process."""

import asyncio

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.telemetry.setup import maybe_set_otel_providers
from google.genai import types
from opentelemetry import trace

maybe_set_otel_providers()


class ScriptedModel(BaseLlm):
    async def generate_content_async(self, llm_request, stream=False):
        is_first = not any(
            part.function_response for content in llm_request.contents for part in content.parts
        )
        parts = (
            [
                types.Part.from_function_call(name=name, args={"city": "Oslo"})
                for name in ("get_weather", "get_time")
            ]
            if is_first
            else [types.Part(text="It is sunny in Oslo, and noon.")]
        )
        yield LlmResponse(content=types.Content(role="model", parts=parts))


def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


def get_time(city: str) -> str:
    """The time."""
    return "12:00"


agent = LlmAgent(
    name="weather", model=ScriptedModel(model="scripted-1"), tools=[get_weather, get_time]
)


async def turn() -> None:
    runner = InMemoryRunner(agent=agent, app_name="answer")
    await runner.session_service.create_session(
        app_name="answer", user_id="user-1", session_id="session-1"
    )
    message = types.Content(role="user", parts=[types.Part(text="What is it like in Oslo?")])
    async for _ in runner.run_async(
        user_id="user-1", session_id="session-1", new_message=message
    ):
        pass


asyncio.run(turn())
trace.get_tracer_provider().shutdown()
