import { expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { keyValues } from "../../support/agent-spans.ts";

interface Sender {
  readonly process: number;
  readonly tool: number;
}

/** A component after each sender has started a tool. */
async function after(senders: readonly Sender[], section: object = {}) {
  const { settings, log, clock, statuses } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse(section));
  const input = component.processor!.wrap("traces", { consume: async () => accepted });
  const send = async (all: readonly Sender[]) => {
    const bytes = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: all.map(({ process, tool }, at) => ({
        resource: {
          attributes: keyValues({ "service.name": "agent", "service.instance.id": `${process}` }),
        },
        scopeSpans: [
          {
            spans: [
              {
                traceId: new Uint8Array(16).fill(1),
                spanId: Buffer.from((at + 1).toString(16).padStart(16, "0"), "hex"),
                name: "openclaw.tool.execution",
                attributes: keyValues({ "gen_ai.tool.name": `tool${tool}` }),
              },
            ],
          },
        ],
      })),
    }).finish();
    await input.consume({ signal: "traces", bytes, items: all.length });
  };
  await component.start();
  await send(senders);
  clock.advance(200);
  return { log, clock, statuses, component, send };
}

const sendersOf = (count: number, of: (at: number) => Sender) =>
  Array.from({ length: count }, (_, at) => of(at));

for (const [title, senders, want] of [
  ["1 000 tool names are within the limit", sendersOf(1_000, (tool) => ({ tool, process: 1 })), []],
  [
    "more tool names are logged once",
    sendersOf(1_002, (tool) => ({ tool, process: 1 })),
    [
      {
        level: "warn",
        message: "The limit of tool names is reached. New names are reported as other.",
        fields: { limit: 1_000, shown_as: "other" },
      },
    ],
  ],
] as const) {
  test(title, async () => {
    const { log, component } = await after(senders);
    expect(log).toEqual(want);
    await component.shutdown(noDeadline());
  });
}

test("10 000 processes are a status, until some of them have sent nothing for max_age", async () => {
  const { log, clock, statuses, component, send } = await after(
    sendersOf(10_002, (process) => ({ tool: 1, process })),
    { max_age: "20s", tombstone_ttl: "20s" },
  );
  const message =
    "The limit of sending processes (10000) is reached, so work of new ones is not tracked.";
  expect(log).toMatchObject([{ level: "warn", message: expect.stringContaining(message) }]);
  expect(statuses).toEqual([{ status: "recoverable_error", message }]);
  // The work is evicted, and its processes are forgotten when the next one sends for which there is no room.
  for (let tick = 0; tick < 600; tick += 1) {
    clock.advance(200);
  }
  expect(statuses).toHaveLength(1);
  await send([{ tool: 1, process: 10_001 }]);
  for (let tick = 0; tick < 20; tick += 1) {
    clock.advance(200);
  }
  expect(statuses.at(-1)).toEqual({ status: "ok" });
  await component.shutdown(noDeadline());
});
