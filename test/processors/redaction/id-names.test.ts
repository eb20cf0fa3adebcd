import { describe, expect, test } from "vitest";
import { keyKindOf } from "../../../src/metrics/id-key.ts";
import { isIdName } from "../../../src/processors/redaction/id-names.ts";

describe("a key of a session, a run, a call, a message or a person:", () => {
  for (const key of [
    "openclaw.sessionKey",
    "session.id",
    "session",
    "openclaw.session",
    "sessionid",
    "langsmith.metadata.thread_id",
    "thread_ts",
    "openclaw.sender",
    "openclaw.senderName",
    "openclaw.senderUsername",
    "sender",
    "user",
    "user.full_name",
    "enduser.pseudo.id",
    "openclaw.phone",
    "phone",
    "openclaw.groupId",
    "openclaw.peerId",
    "openclaw.laneId",
    "openclaw.update_id",
    "chat",
    "chat.title",
    "messaging.message.id",
    "gen_ai.completion.0.tool_calls.0.id",
    "gen_ai.tool.call.id",
    "gcp.vertex.agent.invocation_id",
    "gcp.vertex.agent.event_id",
    "faas.invocation_id",
  ]) {
    test(`${key}, which the exporter for Prometheus hides too`, () => {
      expect(isIdName(key)).toBe(true);
      expect(keyKindOf(key)).toBe("id");
    });
  }

  for (const key of ["openclaw.to", "openclaw.from", "openclaw.target", "client.address"]) {
    test(key, () => {
      expect(isIdName(key)).toBe(true);
    });
  }
});

describe("no key of one:", () => {
  for (const key of [
    "openclaw.session.ref",
    "openclaw.session.state",
    "session.kind",
    "user.roles",
    "user_agent.original",
    "gen_ai.agent.id",
    "gen_ai.operation.name",
    "ai.operationId",
    "ai.telemetry.functionId",
    "openclaw.run.duration_ms",
    "openclaw.turn",
    "session.count",
    "max_sessions",
    "active_users",
    "error.message",
    "exception.message",
    "trace_id",
    "span_id",
    "logfire.pending_parent_id",
    "langsmith.span.parent_id",
    "thread.id",
    "thread.name",
    "service.instance.id",
    "host.id",
    "k8s.pod.uid",
    "container.id",
    "commit_hash",
    "gen_ai.request.model",
    "url.path",
  ]) {
    test(key, () => {
      expect(isIdName(key)).toBe(false);
    });
  }
});
