"""One turn as spans of ddtrace, exported over OTLP, with the snapshots it sends of long-running spans.

ddtrace sends snapshots for jobs of Ray only; this drives the same span manager without Ray.
"killed": the process is killed while a tool hangs. "abandoned": the run ends while the tool hangs; when the
process ends it ends the tool too.
"""

import os
import signal
import sys
import time

os.environ["DD_TRACE_WRITER_INTERVAL_SECONDS"] = "0.2"

from ddtrace import config, tracer
from ddtrace.contrib.internal.ray import span_manager

scenario = sys.argv[1]
config._long_running_initial_flush_interval = 0.5
config._long_running_flush_interval = 0.5


def open_span(name: str, operation: str, **attributes: str):
    span = tracer.start_span(name, child_of=tracer.current_span(), activate=True)
    span.set_tag("ray.submission_id", "job-1")
    span.set_tag("gen_ai.operation.name", operation)
    for key, value in attributes.items():
        span.set_tag(key.replace("__", "."), value)
    span_manager.start_long_running_span(span)
    return span


run = open_span("invoke_agent weather", "invoke_agent", gen_ai__conversation__id="session-1")
model = open_span("chat scripted-1", "chat")
span_manager.stop_long_running_span(model)
weather = open_span("execute_tool get_weather", "execute_tool", gen_ai__tool__name="get_weather")
span_manager.stop_long_running_span(weather)
tool = open_span("execute_tool get_time", "execute_tool", gen_ai__tool__name="get_time")
time.sleep(1.3)
if scenario == "killed":
    time.sleep(0.4)
    os.kill(os.getpid(), signal.SIGKILL)
if scenario == "abandoned":
    span_manager.stop_long_running_span(run)
    time.sleep(1.3)
    sys.exit(0)
span_manager.stop_long_running_span(tool)
model = open_span("chat scripted-1", "chat")
span_manager.stop_long_running_span(model)
span_manager.stop_long_running_span(run)
tracer.shutdown()
