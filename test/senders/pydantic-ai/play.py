"""Three turns of Pydantic AI.

In the first both tools run at once. In the second `get_time` needs approval, so that the run ends with its call open; the
next run brings the approval, and runs the tool before it calls the model. The third is refused in the same way.
"""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import (
    Agent,
    ApprovalRequired,
    DeferredToolRequests,
    DeferredToolResults,
    RunContext,
    ToolDenied,
)
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

provider = TracerProvider(resource=Resource.create())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
Agent.instrument_all()

turn = 0


def answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """Both tools at first, a sentence when it has their results."""
    last = messages[-1]
    if any(isinstance(part, ToolReturnPart) for part in last.parts):
        return ModelResponse(parts=[TextPart("It is sunny in Oslo, and noon.")])
    city = "Oslo" if turn == 1 else "Lima"
    return ModelResponse(
        parts=[
            ToolCallPart(name, {"city": city}, tool_call_id=f"call_{turn}_{name}")
            for name in ("get_weather", "get_time")
        ]
    )


agent = Agent(FunctionModel(answer), name="weather", output_type=[str, DeferredToolRequests])


@agent.tool_plain
def get_weather(city: str) -> str:
    """The weather."""
    return "sunny"


def get_time(city: str) -> str:
    """The time."""
    return "12:00"


agent.tool_plain(get_time)
careful = Agent(FunctionModel(answer), name="weather", output_type=[str, DeferredToolRequests])
careful.tool_plain(get_weather)
careful.tool_plain(get_time, requires_approval=True)

turn = 1
agent.run_sync("What is it like?", conversation_id="session-1")
for turn, approval in ((2, True), (3, ToolDenied("No."))):
    first = careful.run_sync("What is it like?", conversation_id="session-1")
    if len(first.output.approvals) != 1:
        raise RuntimeError("One tool was to wait for approval.")
    provider.force_flush()
    careful.run_sync(
        message_history=first.all_messages(),
        deferred_tool_results=DeferredToolResults(
            approvals={call.tool_call_id: approval for call in first.output.approvals}
        ),
        conversation_id="session-1",
    )
provider.shutdown()
