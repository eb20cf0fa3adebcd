import { appendFileSync } from "node:fs";
import { onInternalDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

const types =
  /^((harness\.run|run|tool\.execution|model\.call)\.(started|completed|error|blocked)|run\.progress|message\.queued|session\.(stalled|stuck|long_running|recovery\.\w+|state|activity\.evicted))$/;
const hooks = ["session_start", "session_end", "subagent_spawned"];
/** OpenClaw may load this several times into one process; only one with the service in it is recorded. */
const isRecording = Symbol.for("event-recorder");

/** What a relay could be fed with again: see the recordings under test/openclaw-plugin. */
export default definePluginEntry({
  id: "event-recorder",
  name: "Event recorder",
  description: "Writes what a relay is handed to a file. For tests only.",
  register(api) {
    const write = (line) => {
      if (globalThis[isRecording]) {
        appendFileSync(process.env.EVENT_RECORDING, `${JSON.stringify(line)}\n`);
      }
    };
    for (const hook of hooks) {
      api.on(hook, (event, context) => write({ hook, event, context }));
    }
    api.registerService({
      id: "event-recorder",
      start() {
        globalThis[isRecording] = true;
        onInternalDiagnosticEvent((event, metadata) => {
          if (types.test(event.type)) {
            write({ metadata, event });
          }
        });
        api.runtime?.events?.onAgentEvent?.((agentEvent) => {
          const { stream, data } = agentEvent;
          if (
            stream === "approval" ||
            (stream === "lifecycle" && /approval/.test(data.phase)) ||
            (stream === "tool" && data.phase === "update")
          ) {
            const { phase, kind, status, toolCallId, approvalId } = data;
            write({
              agentEvent: { ...agentEvent, data: { phase, kind, status, toolCallId, approvalId } },
            });
          }
        });
      },
    });
  },
});
