import { emitTrustedDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

/**
 * A command that says "forget-one" makes a tool start that never ends, as harnesses such as Codex report it: with the
 * ids of the run and a call id, and without a trace of its own.
 */
export default definePluginEntry({
  id: "forgetful-harness",
  name: "Forgetful harness",
  description: "Reports that a tool started, and never that it ended. For tests only.",
  register(api) {
    api.on("before_tool_call", (event, context) => {
      if (!String(event.params?.command).includes("forget-one")) {
        return;
      }
      emitTrustedDiagnosticEvent({
        type: "tool.execution.started",
        runId: event.runId ?? context.runId,
        sessionKey: context.sessionKey,
        sessionId: context.sessionId,
        toolName: "bash",
        toolCallId: `forgotten-${event.toolCallId ?? context.toolCallId}`,
      });
    });
  },
});
