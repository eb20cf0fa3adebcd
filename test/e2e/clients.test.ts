import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

let folder = "";
let collector: RunningCollector | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clients-"));
});
afterEach(async () => {
  await collector?.stop();
  rmSync(folder, { recursive: true });
});

const evicted = "openclaw_session_activity_evicted_total";

test("two clients with the same ids keep their work apart, and an exchanged token makes nobody another client", async () => {
  const tokens = join(folder, "alice");
  writeFileSync(tokens, "canary-old\n");
  collector = await startCollector({
    overrides: [
      "processors::session_activity::allowed_lateness: 500ms",
      `extensions::bearer_token_auth::clients: [{name: alice, filename: ${tokens}}, {name: bob, token: canary-bob}]`,
      "receivers::otlp::protocols::http::auth::authenticator: bearer_token_auth",
      "service::extensions: [file_storage, bearer_token_auth]",
    ],
  });
  const { otlp, prometheus } = collector.endpoints;
  const post = async (token: string, body: Uint8Array) => {
    const answer = await fetch(`${otlp}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf", authorization: `Bearer ${token}` },
      body,
    });
    return answer.status;
  };
  const count = async () => (await scrape(prometheus)).sum(evicted);
  const run = agentSpan("openclaw.run", { "session.id": "shared" });
  const tool = agentSpan("openclaw.tool.execution", { "gen_ai.tool.name": "exec" }, run);
  const ended = () => tracesRequest("gateway", [{ span: run, endUnixMs: Date.now() }]);

  expect(await post("canary-old", tracesRequest("gateway", [{ span: run }, { span: tool }]))).toBe(
    200,
  );
  expect(await post("canary-bob", ended())).toBe(200);
  // Bob's own orphan has passed its lateness when it is counted; Alice's run would have left one by then.
  const mine = agentSpan("openclaw.run", { "session.id": "mine" });
  const orphan = agentSpan("openclaw.tool.execution", { "gen_ai.tool.name": "exec" }, mine);
  await post("canary-bob", tracesRequest("gateway", [{ span: mine }, { span: orphan }]));
  await post("canary-bob", tracesRequest("gateway", [{ span: mine, endUnixMs: Date.now() }]));
  await expect.poll(count, { timeout: 10_000 }).toBe(1);

  writeFileSync(tokens, "canary-old\ncanary-new\n");
  await expect.poll(() => post("canary-new", ended()), { timeout: 10_000 }).toBe(200);
  await expect.poll(count, { timeout: 10_000 }).toBe(2);
  expect(collector.stderr()).not.toContain("canary");
});
