from __future__ import annotations

from typing import Any

import pytest

from openclaw_activity_live_spans.span_kind import has_session, kind_of


@pytest.mark.parametrize("value", ["a", "agent:main:main", 0, 42])
def test_a_text_or_an_integer_names_a_session(value: object) -> None:
    assert has_session({"session.id": value})


@pytest.mark.parametrize("value", ["", " ", "None", " NULL\n", "unknown", True, 1.5, ("a",), None])
def test_a_placeholder_or_another_type_names_none(value: object) -> None:
    assert not has_session({"session.id": value})


@pytest.mark.parametrize(
    ("name", "attributes", "scope", "want"),
    [
        ("a", {"gen_ai.operation.name": "invoke_agent"}, "", "run"),
        ("a", {"gen_ai.operation.name": "execute_tool"}, "", "tool"),
        ("a", {"gen_ai.operation.name": "chat"}, "", "model_call"),
        ("a", {"gen_ai.operation.name": "something new"}, "", "other"),
        ("a", {"gen_ai.operation.name": 1}, "", None),
        ("a", {"openinference.span.kind": "CHAIN"}, "", "run"),
        ("m._prepare_chat_with_tools", {"openinference.span.kind": "LLM"}, "", "other"),
        ("openclaw.harness.run", {}, "", "harness"),
        ("openclaw.model.usage", {"gen_ai.operation.name": "chat"}, "", "other"),
        ("a", {"openclaw.api": "x"}, "", "model_call"),
        ("invocation", {}, "gcp.vertex.agent", "run"),
        ("invocation", {}, "another scope", None),
        ("a", {}, "", None),
    ],
)
def test_a_span_is_what_the_collector_will_say(name: str, attributes: dict[str, Any], scope: str, want: str | None) -> None:
    assert kind_of(name, attributes, scope) == want
