import { describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { firstServiceName } from "../../src/otlp/service-name.ts";
import fc from "../support/fast-check.ts";

function request(...resources: readonly (Readonly<Record<string, string>> | undefined)[]) {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: resources.map((resource) => ({
      ...(resource === undefined
        ? {}
        : {
            resource: {
              attributes: Object.entries(resource).map(([key, stringValue]) => ({
                key,
                value: { stringValue },
              })),
            },
          }),
      scopeSpans: [{ spans: [{ name: "service.name" }] }],
    })),
  }).finish();
}

const nameIn = (bytes: Uint8Array) => new TextDecoder().decode(firstServiceName(bytes));

describe("the name of the service in a request", () => {
  for (const [what, bytes, want] of [
    [
      "is that of the first resource",
      request({ "service.name": "a" }, { "service.name": "b" }),
      "a",
    ],
    [
      "is found behind others",
      request({ "host.name": "h", "service.nam": "x", "service.name": "a" }),
      "a",
    ],
    ["may be absent", request({ "service.namespace": "x" }), ""],
    ["may be absent with the resource", request(undefined), ""],
    ["may be absent with everything", new Uint8Array(0), ""],
    [
      "is none if it is no text",
      otlp.ExportTraceServiceRequest.encode({
        resourceSpans: [
          { resource: { attributes: [{ key: "service.name", value: { boolValue: true } }] } },
        ],
      }).finish(),
      "",
    ],
  ] as const) {
    test(what, () => expect(nameIn(bytes)).toBe(want));
  }

  test("is read from any bytes without an exception or a byte behind them", () => {
    const good = request({ "service.name": "checkout" });
    const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
      const bytes = new Uint8Array(good);
      bytes[at] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        const name = firstServiceName(bytes);
        expect(name.byteOffset + name.length).toBeLessThanOrEqual(
          Math.max(bytes.byteOffset + bytes.length, name.byteOffset),
        );
      }),
    );
  });
});
