import assert from "node:assert/strict";
import { jsonOf, writesJson } from "./client-checks.ts";
import type { Message } from "./messages.ts";
import { reads, refusesAll, takesNothing } from "./mutants.ts";
import type { ClientMutant, ClientPeer, ServerMutant, ServerPeer } from "./peers.ts";
import { itemsOf, spanId, spansOf, traceId } from "./telemetry.ts";
import type { WireRequest } from "./wire.ts";

// Checks of the JSON encoding, for both peers.

interface ServerCheck {
  readonly check: (server: ServerPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ServerMutant>>;
}

interface ClientCheck {
  readonly check: (client: ClientPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ClientMutant>>;
}

/** Sends JSON and returns the only span of it that is forwarded. */
async function spanFrom(
  server: ServerPeer,
  requestOf: (mark: string) => Message,
): Promise<Message> {
  const story = server.story();
  const outcome = await server.send("traces", server.request("traces", requestOf(story.mark)));
  assert.deepEqual(outcome, { kind: "response" });
  const [message] = server.forwarded(story);
  const spans = itemsOf(message ?? {});
  assert.equal(spans.length, 1);
  return spans[0];
}

function rewritten(change: (text: string) => string): ServerMutant {
  return reads((request: WireRequest) => ({
    ...request,
    body: Buffer.from(change(Buffer.from(request.body).toString())),
  }));
}

/** A server that leaves out a key, as if it did not know it. */
function doesNotKnow(key: string): ServerMutant {
  return rewritten((text) => text.replaceAll(`"${key}"`, `"not.${key}"`));
}

export const readsHexIds: ServerCheck = {
  async check(server) {
    for (const ids of [
      { traceId, spanId },
      { traceId: traceId.toUpperCase(), spanId: spanId.toUpperCase() },
    ]) {
      const link = { traceId: ids.traceId, spanId: ids.spanId };
      const span = await spanFrom(server, (name) =>
        spansOf({ ...ids, name, parentSpanId: ids.spanId, links: [link] }),
      );
      assert.deepEqual(
        [span["traceId"], span["spanId"], span["parentSpanId"], span["links"]],
        [traceId, spanId, spanId, [{ traceId, spanId }]],
      );
    }
  },
  mutants: {
    "takes ids for base64": rewritten((text) =>
      text.replace(/"(traceId|spanId|parentSpanId)":"(\w+)"/g, (_, key, id) =>
        JSON.stringify({ [key]: Buffer.from(id, "base64").toString("hex") }).slice(1, -1),
      ),
    ),
    "takes lower-case ids only": rewritten((text) => text.replaceAll(/[0-9A-F]{16,}/g, "")),
    "refuses everything": refusesAll,
  },
};

export const readsEnumNumbers: ServerCheck = {
  async check(server) {
    const span = await spanFrom(server, (name) => spansOf({ name, kind: 2, status: { code: 2 } }));
    assert.deepEqual([span["kind"], span["status"]], [2, { code: 2 }]);
  },
  mutants: {
    "does not read enums": doesNotKnow("kind"),
    "refuses everything": refusesAll,
  },
};

export const ignoresUnknownNames: ServerCheck = {
  async check(server) {
    const unknown = { inventedLater: { deep: [1, { "": null }] }, "another one": "text" };
    const span = await spanFrom(server, (name) => ({
      ...unknown,
      resourceSpans: [
        {
          ...unknown,
          resource: { ...unknown, attributes: [{ key: "k", ...unknown, value: unknown }] },
          scopeSpans: [{ ...unknown, spans: [{ ...unknown, traceId, spanId, name, kind: 1 }] }],
        },
      ],
    }));
    const { name, ...rest } = span;
    assert.match(String(name), /^story-/);
    assert.deepEqual(rest, { traceId, spanId, kind: 1 });
  },
  mutants: {
    "refuses unknown names": async ({ request, forward }) =>
      Buffer.from(request.body).includes("inventedLater")
        ? refusesAll({ transport: "http/json", request, forward })
        : forward(request),
    "leaves out messages with unknown names": rewritten((text) =>
      text.replace(/"spans":\[\{"inventedLater".*?\}\]/, '"spans":[]'),
    ),
    "takes nothing": takesNothing,
  },
};

export const readsOriginalNames: ServerCheck = {
  async check(server) {
    const span = await spanFrom(server, (name) => ({
      resource_spans: [
        { scope_spans: [{ spans: [{ trace_id: traceId, span_id: spanId, name, kind: 3 }] }] },
      ],
    }));
    assert.deepEqual([span["traceId"], span["spanId"], span["kind"]], [traceId, spanId, 3]);
  },
  mutants: {
    "does not know original field names": doesNotKnow("trace_id"),
    "refuses everything": refusesAll,
  },
};

export const readsCamelCase: ServerCheck = {
  async check(server) {
    const span = await spanFrom(server, (name) =>
      spansOf({ name, droppedAttributesCount: 123, traceState: "a=b" }),
    );
    assert.deepEqual([span["droppedAttributesCount"], span["traceState"]], [123, "a=b"]);
  },
  mutants: {
    "knows original field names only": doesNotKnow("droppedAttributesCount"),
    "refuses everything": refusesAll,
  },
};

const largest = "18446744073709551615";

export const readsLargeNumbers: ServerCheck = {
  async check(server) {
    const asText = await spanFrom(server, (name) => spansOf({ name, endTimeUnixNano: largest }));
    assert.equal(asText["endTimeUnixNano"], largest);
    // JSON.stringify cannot write this number, so it becomes one on the wire.
    const story = server.story();
    const request = server.request(
      "traces",
      spansOf({ name: story.mark, endTimeUnixNano: "1700000000123456789" }),
    );
    const body = Buffer.from(
      Buffer.from(request.body).toString().replace('"1700000000123456789"', "1700000000123456789"),
    );
    assert.deepEqual(await server.send("traces", { ...request, body }), { kind: "response" });
    const [message] = server.forwarded(story);
    assert.equal(itemsOf(message ?? {})[0]?.endTimeUnixNano, "1700000000123456789");
  },
  mutants: {
    "reads them as doubles": rewritten((text) =>
      text.replaceAll(largest, "18446744073709549568").replace("123456789", "123456768"),
    ),
    "takes texts only": async ({ transport, request, forward }) =>
      /:\d{19}/.test(Buffer.from(request.body).toString())
        ? refusesAll({ transport, request, forward })
        : forward(request),
    "takes numbers only": async ({ transport, request, forward }) =>
      /"\d{19,}"/.test(Buffer.from(request.body).toString())
        ? refusesAll({ transport, request, forward })
        : forward(request),
  },
};

/** The JSON of a span that has everything. */
async function writtenSpan(client: ClientPeer) {
  const story = client.story();
  const message = spansOf({
    name: story.mark,
    parentSpanId: spanId,
    kind: 2,
    droppedAttributesCount: 123,
    attributes: [
      { key: "int", value: { intValue: "9007199254740993" } },
      { key: "bytes", value: { bytesValue: "AAEC" } },
    ],
    links: [{ traceId, spanId }],
    status: { code: 2 },
  });
  await client.deliver(story, { message });
  return { request: jsonOf(story), span: itemsOf(jsonOf(story))[0] };
}

export const writesHexIds: ClientCheck = {
  async check(client) {
    const { span } = await writtenSpan(client);
    const { traceId: trace, spanId: own, parentSpanId: parent, links } = span;
    assert.deepEqual(
      [trace, own, parent, links].map((each) => JSON.stringify(each).toLowerCase()),
      [traceId, spanId, spanId, [{ traceId, spanId }]].map((each) =>
        JSON.stringify(each).toLowerCase(),
      ),
    );
  },
  mutants: {
    "writes ids in base64": writesJson(traceId, Buffer.from(traceId, "hex").toString("base64")),
    "writes the ids of links in base64": writesJson(
      /("links":.*?"spanId":)"\w+"/,
      `$1"${Buffer.from(spanId, "hex").toString("base64")}"`,
    ),
  },
};

export const writesEnumNumbers: ClientCheck = {
  async check(client) {
    const { span } = await writtenSpan(client);
    assert.deepEqual([span.kind, span.status.code], [2, 2]);
  },
  mutants: {
    "writes names of enums": writesJson('"kind":2', '"kind":"SPAN_KIND_SERVER"'),
    "writes numbers of enums as texts": writesJson('"code":2', '"code":"2"'),
  },
};

export const writesCamelCase: ClientCheck = {
  async check(client) {
    const { request, span } = await writtenSpan(client);
    assert.equal(span.droppedAttributesCount, 123);
    assert.deepEqual(
      keysOf(request).filter((key) => !/^[a-z]+([A-Z][a-z0-9]*)*$/.test(key)),
      [],
    );
  },
  mutants: {
    "writes an original field name": writesJson(
      "droppedAttributesCount",
      "dropped_attributes_count",
    ),
    "writes original field names around the spans": writesJson("resourceSpans", "resource_spans"),
  },
};

function keysOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) {
    return value.flatMap(keysOf);
  }
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, content]) => [key, ...keysOf(content)])
    : [];
}

export const writesLargeNumbersAsTexts: ClientCheck = {
  async check(client) {
    const { span } = await writtenSpan(client);
    assert.equal(span.startTimeUnixNano, "1700000000000000000");
    assert.deepEqual(span.attributes[0].value, { intValue: "9007199254740993" });
  },
  mutants: {
    "writes times as numbers": writesJson('"1700000000000000000"', "1700000000000000000"),
    "writes attributes as numbers": writesJson('"9007199254740993"', "9007199254740993"),
  },
};
