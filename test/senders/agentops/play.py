"""One turn of an agent traced with AgentOps: its decorators, and its instrumentation of the OpenAI client."""

import os

import agentops
from agentops.sdk.decorators import agent, operation, tool

endpoint = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
agentops.init(
    api_key="none",
    endpoint=endpoint,
    exporter_endpoint=f"{endpoint}/v1/traces",
    auto_start_session=False,
    log_level="ERROR",
)

from openai import OpenAI

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("get_weather", "get_time")
]


@tool(name="get_weather")
def get_weather(city: str) -> str:
    return "sunny"


@tool(name="get_time")
def get_time(city: str) -> str:
    return "12:00"


@agent(name="weather")
class Weather:
    @operation(name="answer")
    def answer(self) -> str:
        openai = OpenAI()
        messages = [{"role": "user", "content": "What is it like in Oslo?"}]
        first = openai.chat.completions.create(model="scripted-1", messages=messages, tools=TOOLS)
        answer = first.choices[0].message
        messages.append(answer.model_dump(exclude_none=True))
        for call in answer.tool_calls:
            content = (get_time if call.function.name == "get_time" else get_weather)("Oslo")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
        last = openai.chat.completions.create(model="scripted-1", messages=messages, tools=TOOLS)
        return last.choices[0].message.content


trace = agentops.start_trace("answer")
Weather().answer()
agentops.end_trace(trace, "Success")
