from __future__ import annotations

import pytest

from openclaw_activity_live_spans.span_kind import has_session


@pytest.mark.parametrize("value", ["a", "agent:main:main", 0, 42])
def test_a_text_or_an_integer_names_a_session(value: object) -> None:
    assert has_session({"session.id": value})


@pytest.mark.parametrize("value", ["", " ", "None", " NULL\n", "unknown", True, 1.5, ("a",), None])
def test_a_placeholder_or_another_type_names_none(value: object) -> None:
    assert not has_session({"session.id": value})
