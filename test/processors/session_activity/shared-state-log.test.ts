import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { keyValues } from "../../support/agent-spans.ts";

type Resource = Readonly<Record<string, string>>;

/** The lines of the log about shared states after each resource has sent a span, twice. */
async function linesAfter(resources: readonly Resource[], name = "openclaw.tool.execution") {
  const { settings, log } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse({}));
  const input = component.processor!.wrap("traces", { consume: async () => accepted });
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: resources.map((resource, at) => ({
      resource: { attributes: keyValues(resource) },
      scopeSpans: [
        { spans: [{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, at + 1), name }] },
      ],
    })),
  }).finish();
  for (let times = 0; times < 2; times++) {
    await input.consume({ signal: "traces", bytes, items: resources.length });
  }
  return log.filter(({ level, message }) => level === "warn" && message.includes("share"));
}

const named = (service: string) => ({ "service.name": service });

describe("a service whose processes cannot be told apart", () => {
  test("is warned of once, with the remedy", async () => {
    const lines = await linesAfter([named("agent"), { ...named("agent"), "host.name": "box" }]);
    expect(lines).toEqual([
      expect.objectContaining({
        message: expect.stringContaining("service.instance.id"),
        fields: { service: "agent" },
      }),
    ]);
  });

  for (const [what, resource] of [
    ["an instance id", { ...named("agent"), "service.instance.id": "1" }],
    ["host and pid", { ...named("agent"), "host.name": "box", "process.pid": "1" }],
  ] as const) {
    test(`is none whose processes have ${what}`, async () => {
      expect(await linesAfter([resource])).toEqual([]);
    });
  }

  test("is of no interest without work", async () => {
    expect(await linesAfter([named("shop")], "GET /cart")).toEqual([]);
  });

  test("is listed once; of many only ten are", async () => {
    const services = Array.from({ length: 12 }, (_, at) => named(`agent-${at}`));
    const lines = await linesAfter([...services, ...services]);
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)?.fields).toEqual({ listed: 10 });
  });

  test("is not named if its name may be an id, and has none if it sends none", async () => {
    const id = "session:agent:main:canary";
    const lines = await linesAfter([named(id), named("a\nb"), {}]);
    expect(JSON.stringify(lines)).not.toContain("canary");
    expect(lines.map(({ fields }) => fields?.["service"])).toEqual([
      "not shown, because it may be an id",
      "not shown, because it may be an id",
      "without a name",
    ]);
  });
});
