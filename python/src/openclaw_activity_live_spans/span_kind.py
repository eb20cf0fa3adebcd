"""What a span is, by the collector's own tables. ``npm run generate`` writes them into ``work-spans.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

OTHER = "other"
RUN = "run"
HARNESS = "harness"

_tables = json.loads(resources.files(__package__).joinpath("work-spans.json").read_text(encoding="utf-8"))
_not_work_names = frozenset(_tables["notWorkNames"])
_model_call_attributes: tuple[str, ...] = tuple(_tables["modelCallAttributes"])
_attribute_rules: tuple[tuple[str, Mapping[str, str]], ...] = tuple(
    (rule["key"], rule["values"]) for rule in _tables["attributeRules"]
)
_name_rules: tuple[Mapping[str, str], ...] = tuple(_tables["nameRules"])
_names_with_rules = frozenset(rule["name"] for rule in _name_rules)
_not_work_endings: tuple[str, ...] = tuple(_tables["notWorkEndings"])
_session_references: tuple[str, ...] = tuple(_tables["sessionReferences"])
_no_session_texts = frozenset(_tables["noSessionTexts"])


def kind_of(name: str, attributes: Mapping[str, Any], scope: str) -> str | None:
    """``run``, ``harness``, ``tool``, ``model_call`` or ``other``; none if nothing says what the span is."""
    if name in _not_work_names:
        return OTHER
    if any(key in attributes for key in _model_call_attributes):
        return "model_call"
    for key, values in _attribute_rules:
        value = attributes.get(key)
        if isinstance(value, str):
            kind = values.get(value, OTHER)
            return OTHER if kind == "model_call" and name.endswith(_not_work_endings) else kind
    if name in _names_with_rules:
        for rule in _name_rules:
            if rule["name"] == name and rule.get("scope", scope) == scope:
                return rule["kind"]
    return None


def has_session(attributes: Mapping[str, Any]) -> bool:
    return any(_is_session(attributes.get(key)) for key in _session_references)


def _is_session(value: Any) -> bool:
    if isinstance(value, str):
        trimmed = value.strip(" \t\n\v\f\r")
        return trimmed != "" and trimmed.lower() not in _no_session_texts
    return isinstance(value, int) and not isinstance(value, bool)
