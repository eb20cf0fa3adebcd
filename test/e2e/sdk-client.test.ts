import type { Span } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { orphanedTool } from "../support/agent-spans.ts";
import { eventsIn, evictionsIn, markersOf, passedThrough } from "../support/derived-telemetry.ts";
import { evictedOn, type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { createSdkClient, type SdkClient } from "../support/sdk-client.ts";
import { send } from "../support/send.ts";

const latenessMs = 1_000;
/** What the eviction may take beyond the lateness. */
const slackMs = 2_000;
/** Between two readings of clocks that tell whole milliseconds. */
const clockMs = 20;

const service = "sdk-agent";
const agent = (conversation: string) => ({
  "gen_ai.operation.name": "invoke_agent",
  "gen_ai.conversation.id": conversation,
});
const tool = (name: string) => ({
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.tool.name": name,
});

for (const encoding of ["protobuf", "json"] as const) {
  describe(`the OpenTelemetry SDK for JavaScript as client, with ${encoding}`, () => {
    let backend: OtlpSink;
    let collector: RunningCollector;
    let client: SdkClient;

    beforeAll(async () => {
      backend = await openSink();
      collector = await startCollector({
        configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
        overrides: [
          `processors::session_activity::allowed_lateness: ${latenessMs}ms`,
          "exporters::otlp_http::sending_queue::num_consumers: 1",
        ],
        env: { BACKEND_URL: backend.url },
      });
      client = createSdkClient(collector.endpoints.otlp, service, encoding);
    });

    afterAll(async () => {
      await collector?.stop();
      await backend?.close();
      // Nothing is left to send; it only ends the timers.
      await client?.shutdown();
    });

    const page = () => scrape(collector.endpoints.prometheus);
    const evictionsOf = (name: string) =>
      evictionsIn(backend.requests).filter(
        ({ attributes }) => attributes["gen_ai.tool.name"] === name,
      );
    const eviction = (name: string, timeoutMs?: number) =>
      backend.until(`the tool ${name} was evicted`, () => evictionsOf(name)[0], timeoutMs);

    /** Waits until all deadlines of what has been sent are past: an orphan that came last is evicted. */
    async function untilDecided(name: string): Promise<void> {
      for (const body of orphanedTool("other", { "gen_ai.tool.name": name })) {
        await send(collector.endpoints.otlp, "traces", body);
      }
      await eviction(name);
    }

    test("a tool that never ends is evicted once, in time; a start that comes late is one of its own", async () => {
      const before = await page();
      const since = sinceOf(before);
      const run = client.startSpan("invoke_agent main", agent("first"));
      const hanging = client.startSpan("execute_tool hanging", tool("hanging"), run);
      const done = client.startSpan("execute_tool done", tool("done"), run);
      client.startWithheld("execute_tool queued", tool("queued"), run);
      done.end();
      await client.flush();
      expect((await page()).sum("openclaw_session_activity_open", { kind: "tool" })).toBe(1);

      const endFromMs = Date.now();
      run.end();
      await client.flush();
      const endToMs = Date.now();
      const evicted = await eviction("hanging", latenessMs + slackMs);
      expect(Date.now() - endToMs).toBeLessThan(latenessMs + slackMs);
      expect(evicted.attributes).toEqual({
        "log.record.uid": expect.stringMatching(/^[0-9a-f]{32}-0$/),
        "openclaw.reason": "orphaned_no_owner",
        "openclaw.confidence": "confirmed",
        "openclaw.evictedTools": 1,
        "openclaw.evictedModelCalls": 0,
        "openclaw.oldestAgeMs": expect.any(Number),
        "gen_ai.tool.name": "hanging",
      });
      expect(evicted.timeUnixMs).toBeGreaterThanOrEqual(endFromMs + latenessMs - clockMs);
      expect(evicted.timeUnixMs).toBeLessThanOrEqual(endToMs + latenessMs + clockMs);
      expect({ traceId: evicted.traceId, spanId: evicted.spanId }).toEqual(idsOf(hanging));
      expect(since(await page())).toEqual({ evicted: 1, lateStarts: 0, reconciled: 0, open: 0 });

      // It was delivered more than the lateness after the end of its run: an orphan of its own.
      await client.tellWithheld();
      await eviction("queued");
      expect(since(await page())).toEqual({ evicted: 2, lateStarts: 0, reconciled: 0, open: 0 });

      hanging.end();
      await client.flush();
      expect(since(await page())).toEqual({ evicted: 2, lateStarts: 0, reconciled: 1, open: 0 });
      const reconciled = await backend.until("the end was reconciled", (requests) =>
        eventsIn(requests, "session.activity.reconciled").at(0),
      );
      expect(reconciled.attributes).toEqual({
        "log.record.uid": expect.stringMatching(/^[0-9a-f]{32}-0$/),
        "openclaw.kind": "tool",
        "openclaw.lateByMs": expect.any(Number),
      });

      await untilDecided("after-late");
      // Plus one: the orphan of `untilDecided`.
      expect(since(await page())).toEqual({ evicted: 3, lateStarts: 0, reconciled: 1, open: 0 });
      expect(evictionsOf("hanging").length).toBe(1);
      expect(evictionsOf("queued").length).toBe(1);
    });

    test("while an inner run of the session is open, nothing is evicted; when it ends, everything is", async () => {
      const since = sinceOf(await page());
      const outer = client.startSpan("invoke_agent outer", agent("second"));
      const inner = client.startSpan("invoke_agent inner", agent("second"), outer);
      client.startSpan("execute_tool outer", tool("of-outer"), outer);
      client.startSpan("execute_tool inner", tool("of-inner"), inner);
      // So that the outer run does not end in the millisecond in which the inner one began.
      await client.flush();
      outer.end();
      await client.flush();
      await untilDecided("after-outer");
      expect(since(await page())).toMatchObject({ evicted: 1, open: 2 });
      expect([...evictionsOf("of-outer"), ...evictionsOf("of-inner")]).toEqual([]);

      inner.end();
      await client.flush();
      // Each run has an event of its own.
      await backend.until("the tools were evicted", (requests) => {
        const ofTrace = evictionsIn(requests).filter(
          ({ traceId }) => traceId === idsOf(outer).traceId,
        );
        return markersOf(ofTrace) === 2 ? true : undefined;
      });
      expect(since(await page())).toMatchObject({ evicted: 3, open: 0 });
    });

    test("a request with spans that have ended and spans that have not is passed on without the latter", async () => {
      const mixing = createSdkClient(collector.endpoints.otlp, "mixing-agent", encoding);
      const run = mixing.startSpan("invoke_agent mixed", agent("third"));
      const call = mixing.startSpan("chat mixed", { "gen_ai.operation.name": "chat" }, run);
      call.setAttribute("gen_ai.request.model", "a-model").end();
      const before = backend.requests.length;
      await mixing.flush();
      await backend.until("the call has arrived", ({ length }) =>
        length > before ? true : undefined,
      );
      const from = backend.requests.length;
      await mixing.sendTogether([run, call]);
      run.end();
      await mixing.shutdown();

      const [alone, last] = mixing.batches;
      await backend.until("both requests have arrived", ({ length }) =>
        length >= from + 2 ? true : undefined,
      );
      expect(backend.requests.slice(from).map(({ bytes }) => comparable(bytes))).toEqual(
        [alone!, last!].map(comparable),
      );
    });

    test("no span that has not ended reached the backend, and every batch of ended ones did, unchanged", () => {
      const arrived = passedThrough(backend.requests);
      const spans = arrived.flatMap(({ bytes }) => spansOf(bytes));
      expect(spans.length).toBeGreaterThan(0);
      expect(spans.filter(({ endTimeUnixNano }) => Number(endTimeUnixNano ?? 0) === 0)).toEqual([]);
      expect(
        arrived
          .filter(({ bytes }) => serviceOf(bytes) === service)
          .map(({ bytes }) => comparable(bytes)),
      ).toEqual(client.batches.map(comparable));
    });

    /** Protobuf byte for byte. JSON has become protobuf, which may be written in more than one way. */
    function comparable(bytes: Uint8Array): string {
      const { encode, decode } = otlp.ExportTraceServiceRequest;
      const same = encoding === "protobuf" ? bytes : encode(decode(bytes)).finish();
      return Buffer.from(same).toString("hex");
    }
  });
}

/** What was counted since `before`; `open` are tools. */
function sinceOf(before: MetricsPage) {
  const counts = (page: MetricsPage) => ({
    evicted: evictedOn(page),
    lateStarts: page.sum("openclaw_session_activity_late_starts_total"),
    reconciled: page.sum("openclaw_session_activity_reconciled_total"),
  });
  const from = counts(before);
  return (page: MetricsPage) => {
    const now = counts(page);
    return {
      evicted: now.evicted - from.evicted,
      lateStarts: now.lateStarts - from.lateStarts,
      reconciled: now.reconciled - from.reconciled,
      open: page.sum("openclaw_session_activity_open", { kind: "tool" }),
    };
  };
}

function idsOf(span: Span) {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

function spansOf(bytes: Uint8Array) {
  return otlp.ExportTraceServiceRequest.decode(bytes)
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap(({ spans }) => spans ?? []);
}

function serviceOf(bytes: Uint8Array): string | undefined {
  const [first] = otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans;
  return (
    first?.resource?.attributes?.find(({ key }) => key === "service.name")?.value?.stringValue ??
    undefined
  );
}
