"""Without code: opentelemetry-instrument, in a real process."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import Collector

from openclaw_activity_live_spans.environment import is_started_by, parse_headers, read_environment

INSTRUMENT = Path(sysconfig.get_path("scripts")) / "opentelemetry-instrument"
GLOBAL = """
from opentelemetry import trace
tracer = trace.get_tracer("t")
tracer.start_span("run")
"""
OWN = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
trace.set_tracer_provider(provider)
provider.get_tracer("t").start_span("run")
"""
OWN_TWICE = OWN + "trace.set_tracer_provider(provider)\n"
BY_HAND = """
from opentelemetry import trace
from openclaw_activity_live_spans import LiveSpanProcessor
trace.get_tracer_provider().add_span_processor(LiveSpanProcessor())
trace.get_tracer("t").start_span("run")
"""
OWN_BY_HAND = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from openclaw_activity_live_spans import LiveSpanProcessor
provider = TracerProvider()
provider.add_span_processor(LiveSpanProcessor())
trace.set_tracer_provider(provider)
provider.get_tracer("t").start_span("run")
"""


def run(program: str, **variables: str) -> str:
    """Runs it under opentelemetry-instrument and returns what it wrote to its log."""
    done = subprocess.run(
        [sys.executable, str(INSTRUMENT), sys.executable, "-c", program],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENCLAW_"))},
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(GLOBAL, id="the provider of the configurator"),
        pytest.param(OWN, id="a provider that the application sets later"),
        pytest.param(OWN_TWICE, id="a provider that is set twice"),
        pytest.param(BY_HAND, id="a processor by hand, too"),
        pytest.param(OWN_BY_HAND, id="a provider with a processor by hand"),
    ],
)
@pytest.mark.parametrize("disabled", ["", "*"])
def test_each_provider_gets_one_processor(program: str, disabled: str, collector: Collector) -> None:
    run(
        program,
        OPENCLAW_ACTIVITY_ENDPOINT=collector.endpoint,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=disabled,
    )

    assert collector.starts == ["run"]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OPENCLAW_ACTIVITY_ENDPOINT": ""},
        {"OPENCLAW_ACTIVITY_ENDPOINT": "{}", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{}"},
    ],
)
def test_without_the_variable_nothing_happens(variables: dict[str, str], collector: Collector) -> None:
    filled = {name: value.format(collector.endpoint) for name, value in variables.items()}
    run(GLOBAL, **filled)

    assert collector.attempts == 0
    assert not is_started_by(filled)


def test_a_bad_endpoint_is_logged_and_the_application_runs() -> None:
    assert "The endpoint is not an http or https URL" in run(GLOBAL, OPENCLAW_ACTIVITY_ENDPOINT="nonsense")


def test_the_endpoint_is_the_first_that_is_set() -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://d",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c",
        "ACTIVITY_COLLECTOR_ENDPOINT": "http://b",
        "OPENCLAW_ACTIVITY_ENDPOINT": "http://a",
    }
    found = [read_environment("http://written", variables).endpoint]
    for name in reversed(list(variables)):
        found.append(read_environment(None, variables).endpoint)
        variables[name] = " "
    found.append(read_environment(None, variables).endpoint)

    assert found == ["http://written", "http://a", "http://b", "http://c", "http://d", "http://127.0.0.1:4318"]


def test_headers_of_a_backend_are_not_sent_to_a_collector_elsewhere() -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret,a=1",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=2",
        "ACTIVITY_COLLECTOR_HEADERS": "b=3%2C4",
    }
    own = {**variables, "OPENCLAW_ACTIVITY_ENDPOINT": "http://a"}

    assert read_environment(None, variables).headers == {"authorization": "secret", "a": "2"}
    assert read_environment(None, own).headers == {"b": "3,4"}
    assert read_environment("http://written", variables).headers == {"b": "3,4"}


@pytest.mark.parametrize(
    ("written", "seconds", "problems"),
    [("0", 0.0, 0), ("2500", 2.5, 0), ("", 10.0, 0), ("-1", 10.0, 1), ("often", 10.0, 1), ("nan", 10.0, 1), ("inf", 10.0, 1)],
)
def test_the_interval_of_heartbeats_is_a_number_of_milliseconds(written: str, seconds: float, problems: int) -> None:
    read = read_environment(None, {"ACTIVITY_HEARTBEAT_INTERVAL": written})

    assert (read.heartbeat_interval, len(read.problems)) == (seconds, problems)


def test_headers_without_a_key_are_left_out() -> None:
    assert parse_headers(" a = 1 ,b,=c,,d=e=f") == {"a": "1", "d": "e=f"}
