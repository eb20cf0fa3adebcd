"""The settings that environment variables give."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
DEFAULT_HEARTBEAT_INTERVAL = 10.0

OWN_ENDPOINTS = ("OPENCLAW_ACTIVITY_ENDPOINT", "ACTIVITY_COLLECTOR_ENDPOINT")
EXPORTER_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Environment(NamedTuple):
    endpoint: str
    headers: Mapping[str, str]
    certificate: str | None
    client_certificate: str | None
    client_key: str | None
    heartbeat_interval: float
    """In seconds."""
    problems: tuple[str, ...]


def read_environment(endpoint: str | None = None, variables: Mapping[str, str] = os.environ) -> Environment:
    """Reads the variables. ``endpoint`` is the one that the application wrote, if any. An empty value counts as none."""

    def text(*names: str) -> str | None:
        return next((value for value in (variables.get(name, "").strip() for name in names) if value), None)

    own = endpoint or text(*OWN_ENDPOINTS)
    problems: list[str] = []
    if own is not None:
        # Keys for a backend must not be sent to a collector at another endpoint.
        headers = parse_headers(text("ACTIVITY_COLLECTOR_HEADERS"))
    else:
        headers = {
            **parse_headers(text("OTEL_EXPORTER_OTLP_HEADERS")),
            **parse_headers(text("OTEL_EXPORTER_OTLP_TRACES_HEADERS")),
        }
    return Environment(
        endpoint=own or text(*EXPORTER_ENDPOINTS) or DEFAULT_ENDPOINT,
        headers=headers,
        certificate=text("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        client_certificate=text("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        client_key=text("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        heartbeat_interval=_heartbeat_interval(text("ACTIVITY_HEARTBEAT_INTERVAL"), problems),
        problems=tuple(problems),
    )


def is_started_by(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for live spans without code."""
    is_disabled = variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not is_disabled and variables.get(OWN_ENDPOINTS[0], "").strip() != ""


def parse_headers(written: str | None) -> dict[str, str]:
    """Parses ``key=value,…``; keys and values are percent-encoded. Leaves out what has no key."""
    headers: dict[str, str] = {}
    for pair in (written or "").split(","):
        key, separator, value = pair.partition("=")
        if separator and key.strip():
            headers[unquote(key.strip())] = unquote(value.strip())
    return headers


def is_endpoint(url: str) -> bool:
    """Whether it is an address of HTTP or HTTPS with a host."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # Raises for a port that is no number.
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _heartbeat_interval(milliseconds: str | None, problems: list[str]) -> float:
    if milliseconds is None:
        return DEFAULT_HEARTBEAT_INTERVAL
    try:
        seconds = float(milliseconds) / 1000
    except ValueError:
        seconds = -1.0
    if 0 <= seconds < float("inf"):
        return seconds
    problems.append(f"ACTIVITY_HEARTBEAT_INTERVAL={milliseconds} is not a number of 0 or more. The default is used.")
    return DEFAULT_HEARTBEAT_INTERVAL
