import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { orphanedTool } from "../support/agent-spans.ts";
import {
  type CapturedRequest,
  type CaptureName,
  captured,
  captureFolders,
  orphanedMarkers,
} from "../support/captures.ts";
import {
  type DerivedEvent,
  evictionsIn,
  markersOf,
  passedThrough,
  sumsIn,
  totalOf,
} from "../support/derived-telemetry.ts";
import { evictedOn, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

const names = Object.keys(orphanedMarkers) as CaptureName[];
const metric = "openclaw.session.activity.evicted";

test("every capture is in the table", () => {
  expect([...captureFolders()].sort()).toEqual([...names].sort());
});

describe("real bytes of OpenClaw, posted to the real process", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;
  let evictedBefore = 0;

  beforeAll(async () => {
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        "processors::session_activity::allowed_lateness: 1s",
        "processors::session_activity::export_interval: 200ms",
        // So that requests arrive in the order in which they were sent.
        "exporters::otlp_http::sending_queue::num_consumers: 1",
      ],
      env: { BACKEND_URL: backend.url },
    });
  });

  afterAll(async () => {
    await collector?.stop();
    await backend?.close();
  });

  async function post({ signal, contentType, body }: CapturedRequest): Promise<void> {
    const { status } = await send(collector.endpoints.otlp, signal, body, {
      "content-type": contentType,
    });
    expect(status).toBe(200);
  }

  /**
   * Waits until every deadline of what has been posted is past: deadlines are decided in their order, so the
   * eviction of an orphan that came last proves it.
   */
  async function untilDecided(what: string): Promise<void> {
    const tool = `last-of-${what}`;
    for (const body of orphanedTool(what, { "gen_ai.tool.name": tool })) {
      await post({ signal: "traces", contentType: "application/x-protobuf", body });
    }
    await backend.until(`the orphan after ${what} was evicted`, (requests) =>
      evictionsIn(requests).find(({ attributes }) => attributes["gen_ai.tool.name"] === tool),
    );
  }

  const isOurs = ({ attributes }: DerivedEvent) =>
    String(attributes["gen_ai.tool.name"]).startsWith("last-of-");

  for (const name of names) {
    const want = orphanedMarkers[name];

    test(`${name}: ${want} orphaned, on the page and in the events, and every body leaves as it came`, async () => {
      const from = backend.requests.length;
      const requests = captured(name);
      for (const request of requests) {
        await post(request);
      }
      await untilDecided(name);

      await backend.until("every request has arrived", (all) =>
        passedThrough(all.slice(from)).length > requests.length ? true : undefined,
      );

      const page = await scrape(collector.endpoints.prometheus);
      expect(evictedOn(page) - evictedBefore - 1).toBe(want);
      evictedBefore = evictedOn(page);

      const arrived = backend.requests.slice(from);
      const evictions = evictionsIn(arrived).filter((event) => !isOurs(event));
      expect(markersOf(evictions)).toBe(want);
      const traceIds = traceIdsOf(requests);
      for (const { severity, body, attributes, traceId } of evictions) {
        expect(severity).toBe("WARN");
        expect(body).toBe("Session activity was evicted because nobody owned it any more.");
        expect(attributes["openclaw.reason"]).toBe("orphaned_no_owner");
        // By the count of a harness run, or by a span that the exporter ended when it stopped.
        expect(["presumed", "probable"]).toContain(attributes["openclaw.confidence"]);
        expect(traceIds).toContain(traceId);
      }

      const through = passedThrough(arrived);
      // Our own orphan came last; what is left of it is the end of its run.
      expect(through.length).toBe(requests.length + 1);
      // Each signal has a queue of its own, so only the requests of one signal arrive in their order.
      for (const signal of new Set(requests.map((request) => request.signal))) {
        const left = through.filter((request) => request.signal === signal);
        for (const [index, { body }] of requests
          .filter((request) => request.signal === signal)
          .entries()) {
          expect(Buffer.compare(left[index]!.bytes, body), `${signal} ${index + 1}`).toBe(0);
        }
      }
    });
  }

  test("no captured orphan was a false alarm that had to be taken back", async () => {
    const page = await scrape(collector.endpoints.prometheus);
    expect(page.sum("openclaw_session_activity_reconciled_total")).toBe(0);
    for (const kind of ["run", "tool", "model_call"]) {
      const of = (what: string) => page.sum(`openclaw_session_activity_${what}`, { kind });
      const evicted = kind === "tool" ? evictedOn(page) : 0;
      expect(of("started_total"), kind).toBe(
        of("ended_total") + evicted + of("open") + of("untracked_total"),
      );
      expect(of("open"), kind).toBe(0);
    }
  });

  test("the counter that the backend receives is the one on the page", async () => {
    // Once more a lateness later: nothing that a decision led to is missing.
    await untilDecided("all");
    const onPage = evictedOn(await scrape(collector.endpoints.prometheus));
    expect(onPage).toBe(names.reduce((sum, name) => sum + orphanedMarkers[name] + 1, 0) + 1);

    const last = await backend.until("the counter was pushed with the last eviction", (requests) =>
      sumsIn(requests, metric).find((sum) => totalOf(sum) === onPage),
    );
    expect(last).toMatchObject({
      isMonotonic: true,
      temporality: otlp.AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
      unit: "{marker}",
    });
    expect(
      Object.fromEntries(
        last.points.map(({ attributes, value }) => [attributes["openclaw.reason"], value]),
      ),
    ).toEqual({
      orphaned_no_owner: onPage,
      session_ended: 0,
      process_gone: 0,
      lease_expired: 0,
      max_age: 0,
    });
    expect(last.points.every(({ attributes }) => Object.keys(attributes).length === 1)).toBe(true);

    const all = sumsIn(backend.requests, metric);
    const starts = new Set(all.flatMap(({ points }) => points.map((point) => point.startUnixMs)));
    expect(starts.size, "one start time through all pushes").toBe(1);
    const [startUnixMs = 0] = starts;
    expect(startUnixMs).toBeGreaterThan(Date.now() - 300_000);
    for (const { points } of all) {
      expect(points.every(({ timeUnixMs }) => timeUnixMs >= startUnixMs)).toBe(true);
    }
    const totals = all.map(totalOf);
    expect(totals).toEqual([...totals].sort((a, b) => a - b));
  });

  test("it ends with 0, and the log never had to say that something was lost", async () => {
    const { exitCode, stderr } = await collector.stop();
    expect(exitCode).toBe(0);
    expect(stderr.split("\n").filter((line) => /\t(warn|error)\t/.test(line))).toEqual([]);
  });
});

function traceIdsOf(requests: readonly CapturedRequest[]): readonly string[] {
  return requests
    .filter(({ signal }) => signal === "traces")
    .flatMap(({ body }) => otlp.ExportTraceServiceRequest.decode(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap(({ spans }) => spans ?? [])
    .map(({ traceId }) => Buffer.from(traceId ?? []).toString("hex"));
}
