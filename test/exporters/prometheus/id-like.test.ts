import { describe, expect, test } from "vitest";
import { isIdValue, isWordList, keyFactsOf } from "../../../src/exporters/prometheus/id-like.ts";

const idReasonOf = (key: string, text: string) => {
  const { reason, exceptFor, values } = keyFactsOf(key);
  return reason !== undefined && !exceptFor.test(text)
    ? reason
    : isIdValue(text, values)
      ? "id_value"
      : undefined;
};

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
    ["k8s.pod.name", "chat-7d9f8b6c5-x2k4j"],
    ["host.name", "batch-run-2"],
    ["gen_ai.request.model", "deepseek/deepseek-chat-v3-0324"],
    ["jvm.thread.name", "pool-1-thread-1"],
    ["rpc.service", "opentelemetry.proto.collector.trace.v1.TraceService"],
    ["x", "call_count"],
    ["x", "run_mode"],
    ["x", "req_s"],
    ["x", "resp_5xx"],
    ["x", "grpc_req_p99"],
    ["x", "run_5m_avg"],
    ["x", "agent:"],
    ["x", "agent: the name, session: its key"],
    ["x", "agent:<id>:<rest> or session:{key}"],
    ["x", "the id of the session"],
    ["x", "run_configuration of v2"],
    ["x", '{"agent":"main"}'],
    ["agent.id", "main"],
    ["openclaw.agentId", "main"],
    ["openclaw.token", "cache_read"],
    ["token", "input"],
    ["gen_ai.usage.input_tokens", "312"],
    ["token_type", "output"],
    ["thread.name", "http-nio-8080-exec-1"],
    ["span_name", "GET /users/{id}"],
    ["span.kind", "server"],
    ["status.code", "STATUS_CODE_OK"],
    ["has_session", "true"],
    ["auth.env_openai_api_key_present", "true"],
    ["dry_run", "yes"],
    ["session.status_code", "200"],
    ["client_id", "producer-1"],
    ["model_id", "m"],
    ["peer.service", "shop"],
    ["user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0 Safari/537.36"],
    ["http.request.header.content-type", "text/html; charset=utf-8"],
    ["k8s.job.uid", "627cc493-f310-47de-96bd-71410b7dec09"],
    ["cloud.account.id", "123456789012"],
    ["gcp.cloud_run.job.execution", "job-1"],
    ["service.version", "1.2.3+20240101"],
    ["url.full", "https://api.openai.com/v1/chat/completions"],
    ["url.path", "/v1/sessions/{id}"],
    ["x", "a=b,c=d"],
    ["x", "java.lang:type=GarbageCollector,name=G1"],
    ["x", "SELECT * FROM t WHERE username = ?"],
    ["x", "Bearer"],
    ["x", "bearer authentication or basic credentials"],
    ["x", "Basic authentication"],
    ["x", "user: the name, thread: its pool"],
    ["x", "2025-06-18T10:00:00Z"],
    ["x", "ghcr.io/x/y:1.2@sha256:abc"],
    ["x", "arn:aws:s3:::bucket"],
    ["x", "0.1234567890"],
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
    ["host.name", "x session=agent:main:main", "id_value"],
    ["service.instance.id", '{"sessionKey":"main"}', "id_value"],
    ...`tool_use_id sess_id sid sessionIdentifier session_identifier session_name session_pk sessions session-label id.session
      identifier.session idSession session_uuid4 x-session-id JSESSIONID phpsessid sessionkey SESSION_ID runid run_name parent.run thread
      thread_ts messageTs user user_name username user.hash enduser.id user.email phone_number peer chatId correlationId account_name
      app.installation.id order_id idempotency_key url.query url.fragment gen_ai.prompt cicd.pipeline.run.id k8s.pod.label.session-id
      jvm.thread.id user_code call_ref message.handle`
      .split(/\s+/)
      .map((key) => [key, "kitchen", "id_key"] as const),
    ...`api_key x-api-key openai_api_key password db_password dbPasswd token access_token accesstoken id_token session_token authToken
      clientSecret aws_secret_access_key private_key credentials db.connection_string connectionString
      http.request.header.authorization http_request_header_cookie set-cookie bearer jwt auth token_hash tokens csrf`
      .split(/\s+/)
      .map((key) => [key, "kitchen", "secret"] as const),
    ["container.command_args", "x", "command_line"],
    ["process.title", "node --token x", "command_line"],
    ["args", "x", "command_line"],
    ["url.path", "/v1/sessions/kitchen/tools", "id_value"],
    ["http.target", "/runs/kitchen", "id_value"],
    ["550e8400-e29b-41d4-a716-446655440000", "true", "id_key"],
    ["host.name", "x --session-id kitchen", "id_value"],
    ["mcp.resource.uri", "postgres://u:pw@h/d", "id_value"],
  ] as const) {
    test(`${key}="${value}"`, () => expect(idReasonOf(key, value)).toBe(reason));
  }
});

describe("an id is found wherever it is in a text", () => {
  for (const text of [
    "session file locked: agent:main:telegram:group",
    "(agent:main:webchat)",
    '"agent:main:x"',
    "lane=agent:main:main",
    "stuck session agent:main:main",
    "a,agent:main:b",
    "about agent:main",
    "/agent:main:x",
    "AGENT:main:main",
    "_agent:main:x",
    "failed for session:abc",
    "queue session:main",
    "waits for session=main",
    "/chat?session=agent%3Amain%3Amain",
    "x%2Fagent%253Amain",
    '["line\\nagent:main:x"]',
    '["\\u0061gent:main:x"]',
    '{"session.id":"main"}',
    '{"session":"main"}',
    '"{\\"session\\":\\"main\\"}"',
    "runId=abc",
    "sessionKey: abc",
    "write to a%40b.org",
    "chatcmpl-abc123",
    "chatcmpl-abc",
    "call_a",
    "req-1",
    "toolu_1",
    "resp_1",
    "run=42",
    "run.42",
    "/runs/42",
    "a.run-42",
    "a_run_42_b",
    "resumes run-42, again",
    "dry-run-42-x",
    "conv-7",
    '{"sessionId":"kitchen"}',
    '{"user":"bob"}',
    "{'user': 'bob'}",
    '"{\\"user\\":\\"bob\\"}"',
    "session_name: kitchen",
    "user=bob",
    "claude --session-id kitchen",
    '["--session-id","kitchen"]',
    "-u bob --password x",
    "Server=x;User Id=y;Password=z",
    "AccountKey=abc",
    "password: x",
    "https://h/x?a=kitchen",
    "https://h/x?kitchen",
    "/x?a=kitchen",
    "pg://u:pw@h",
    "user:pw@tcp(h)/db",
    "Bearer kitchen",
    "authorization: x",
    "Basic dXNlcjpwYXNz",
    "sk-ant-xx",
    "ghp_abc",
    "+49 151 1234 5678",
    "+49 (151) 1234-5678",
    "(0151) 1234 567",
    "415-555-2671",
    "(415) 555-2671",
    "1700000000.123456",
    "a=1 ".repeat(200),
  ]) {
    test(text, () => expect(idReasonOf("x", text)).toBe("id_value"));
  }
});

test("a hostile text takes little time", () => {
  for (const text of [
    "@",
    "!a:",
    "run-1",
    "1",
    "a1",
    "1.",
    "[9",
    "agent",
    "-",
    "call_",
    "0x",
    "%25",
    "\\",
    "session id: ",
    "run=",
    "run/1",
    "a=",
    "a:1",
    "--a ",
    '"a":"b",',
    "://a?",
    "?a",
    "a:a@",
    "+1 ",
    "0151 ",
    "bearer ",
    "basic a",
    "/sessions",
    "ab:",
    "_",
  ]) {
    const spentMs = [1, 2, 3].map(() => {
      const startMs = performance.now();
      idReasonOf("x", text.repeat(2_048).slice(0, 2_048));
      return performance.now() - startMs;
    });
    // The fastest: others use the processor too.
    expect(Math.min(...spentMs), text).toBeLessThan(50);
  }
});

describe("of lists", () => {
  for (const [items, isShown] of [
    [["North Central US", "Australia East"], true],
    [["a", "1.5", "true", "10.0.0.1"], true],
    [[], true],
    [["--session-id", "kitchen"], false],
    [["sessionId", "kitchen"], false],
    [["-r", "x"], false],
    [["user", "bob"], false],
    [["x".repeat(65)], false],
    [Array.from({ length: 33 }, () => "a"), false],
    [["{}"], false],
  ] as const) {
    test(`${JSON.stringify(items).slice(0, 60)} is ${isShown ? "" : "not "}one of short words`, () =>
      expect(isWordList(items)).toBe(isShown));
  }
});
