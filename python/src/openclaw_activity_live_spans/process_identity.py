"""Which process a resource names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .encoding import short_value

_IDENTIFYING = ("service.name", "service.instance.id", "host.id", "host.name", "process.pid")


def process_key_of(resource: Mapping[str, Any]) -> str | None:
    """A key for the process of a resource; none if the resource does not identify its process."""

    def has(key: str) -> bool:
        return resource.get(key) not in (None, "")

    is_known = has("service.instance.id") or (has("process.pid") and (has("host.id") or has("host.name")))
    return json.dumps([resource.get(key) for key in _IDENTIFYING], default=str) if is_known else None


def key_values_of(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes in the form of OTLP/JSON, without long values."""
    values = ((key, json_value_of(short_value(value))) for key, value in attributes.items())
    return [{"key": key, "value": value} for key, value in values if value is not None]


def json_value_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return {"doubleValue": value} if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        values = [json_value_of(each) for each in value]
        return {"arrayValue": {"values": [each for each in values if each is not None]}}
    return None
