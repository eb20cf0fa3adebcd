import { describe, expect, test } from "vitest";
import {
  isIdValue,
  isInfrastructureKey,
  keyReasonOf,
} from "../../../src/exporters/prometheus/id-like.ts";

const idReasonOf = (key: string, text: string) =>
  keyReasonOf(key) ?? (isIdValue(text, isInfrastructureKey(key)) ? "id_value" : undefined);

describe("an attribute is shown", () => {
  for (const [key, value] of [
    ["openclaw.lane", "main"],
    ["openclaw.harness.id", "openclaw"],
    ["openclaw.agent", "main"],
    ["openclaw.toolName", "sessions_spawn"],
    ["openclaw.session.state", "processing"],
    ["openclaw.reason", "run_completed"],
    ["gen_ai.request.model", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"],
    ["gen_ai.request.model", "mixtral-8x7b-instruct-v0.1"],
    ["gen_ai.request.model", "gpt-4o-mini-2024-07-18"],
    ["gen_ai.request.model", "Meta-Llama-3-70B-Instruct"],
    ["gen_ai.operation.name", "execute_tool"],
    ["http.route", "/v1/sessions/{id}"],
    ["http.response.status_code", "200"],
    ["server.address", "api.openai.com"],
    ["net.peer.ip", "192.168.100.200"],
    ["le", "0.005"],
    ["gen_ai.token.type", "input"],
    ["server.build", "linux-x86_64-gnu2"],
    ["service.version", "1.2.3-g1a2b3c4"],
    ["openclaw.context", "used"],
    ["id", "G1 Eden Space"],
    ["error.type", "TimeoutError"],
    ["jvm.thread.name", "http-nio-8080-exec-1"],
    ["k8s.pod.name", "openclaw-7d9f8b6c5-x2k4j"],
    ["k8s.pod.uid", "627cc493-f310-47de-96bd-71410b7dec09"],
    ["host.id", "0f0e0d0c0b0a09080706050403020100"],
    ["container.id", "a3bf90e006b2a3bf90e006b2a3bf90e006b2a3bf90e006b2a3bf90e006b2a3bf"],
    ["process.pid", "19348"],
  ] as const) {
    test(`${key}="${value}"`, () => expect(idReasonOf(key, value)).toBeUndefined());
  }
});

describe("an attribute is not shown", () => {
  for (const [key, value, reason] of [
    ["session.id", "main", "id_key"],
    ["openclaw.sessionKey", "x", "id_key"],
    ["openclaw.sessionId", "x", "id_key"],
    ["runId", "x", "id_key"],
    ["openclaw.run_id", "x", "id_key"],
    ["gen_ai.conversation.id", "x", "id_key"],
    ["gen_ai.tool.call.id", "x", "id_key"],
    ["toolCallId", "x", "id_key"],
    ["tool_call_id", "x", "id_key"],
    ["gen_ai.response.id", "x", "id_key"],
    ["trace_id", "x", "id_key"],
    ["TraceID", "x", "id_key"],
    ["spanId", "x", "id_key"],
    ["chat-id", "x", "id_key"],
    ["message.uuid", "x", "id_key"],
    ["user.account_uuid", "x", "id_key"],
    ["langsmith.trace.session_id", "x", "id_key"],
    ["session", "x", "id_key"],
    ["openclaw.run", "x", "id_key"],
    ["sessionIDs", "x", "id_key"],
    ["sessions.id.short", "x", "id_key"],
    ["toolCallID", "x", "id_key"],
    ["openclaw.session.ref", "x", "id_key"],
    ["faas.invocation_id", "x", "id_key"],
    ["traceparent", "x", "id_key"],
    ["550e8400-e29b-41d4-a716-446655440000", "x", "id_key"],
    ["openclaw.lane", "session:agent:main:explicit:e2e", "id_value"],
    ["k8s.label", "agent:main:main", "id_value"],
    ["lane", "agent:main:telegram:direct:1", "id_value"],
    ["x", "550e8400-e29b-41d4-a716-446655440000", "id_value"],
    ["x", "/files/550E8400E29B41D4A716446655440000.txt", "id_value"],
    ["x", "0af7651916cd43dd8448eb211c80319c", "id_value"],
    ["x", "b7ad6b7169203331", "id_value"],
    ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "id_value"],
    ["x", "2HjZ8K9mQpR4sT6vW1xY3aB5cD7", "id_value"],
    ["x", "V1StGXR8_Z5jdHi6B-myT", "id_value"],
    ["x", "chatcmpl-9xKq2LmNop", "id_value"],
    ["x", "toolu_01A09q90qw90lq917835lq9", "id_value"],
    ["x", "call_1", "id_value"],
    ["x", '["call_1"]', "id_value"],
    ["x", "/runs/run-7/steps", "id_value"],
    ["x", "a1b2c3d4e5f6", "id_value"],
    ["x", "deadbeefdeadbeef", "id_value"],
    ["x", "run-42", "id_value"],
    ["x", "123456789012", "id_value"],
    ["x", "+491701234567", "id_value"],
    ["x", "-1001234567890", "id_value"],
    ["x", "491701234567@s.whatsapp.net", "id_value"],
    ["x", "somebody@example.org", "id_value"],
    ["x", "!room:matrix.org", "id_value"],
    ["service.instance.id", "agent:main:main", "id_value"],
    ["process.command_args", '["--token","x"]', "command_line"],
  ] as const) {
    test(`${key}="${value}"`, () => expect(idReasonOf(key, value)).toBe(reason));
  }
});

test("a hostile text takes little time", () => {
  for (const text of ["@", "!a:", "run-1", "1", "a1", "1.", "[9", "agent", "-", "call_", "0x"]) {
    const startMs = performance.now();
    idReasonOf("x", text.repeat(2_048).slice(0, 2_048));
    expect(performance.now() - startMs, text).toBeLessThan(50);
  }
});
