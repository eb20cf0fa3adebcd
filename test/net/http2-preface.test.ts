import { describe, expect, test } from "vitest";
import { type ConnectionProtocol, protocolOf } from "../../src/net/http2-preface.ts";
import fc from "../support/fast-check.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

describe("the first bytes of a connection", () => {
  for (const [bytes, want] of [
    [preface, "http2"],
    [`${preface}more`, "http2"],
    ["POST /v1/traces HTTP/1.1\r\n", "http1"],
    ["PUT", "http1"],
    ["PRI * HTTP/1.1\r\n", "http1"],
    ["get / HTTP/1.1\r\n", "other"],
    ["\x16\x03\x01\x02\x00", "tls"],
    ["\x16\x02", "other"],
    ["\0\0\0", "other"],
    ["", undefined],
    ["P", undefined],
    ["PR", undefined],
    [preface.slice(0, -1), undefined],
    ["\x16", undefined],
  ] as const satisfies readonly (readonly [string, ConnectionProtocol | undefined])[]) {
    test(`${JSON.stringify(bytes)} are ${want ?? "too few"}`, () => {
      expect(protocolOf(Buffer.from(bytes, "latin1"))).toBe(want);
    });
  }

  test("are enough when there are 24 of them, and more change nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const known = protocolOf(bytes);
        if (bytes.length >= 24) {
          expect(known).toBeDefined();
        }
        if (known !== undefined) {
          expect(protocolOf(Buffer.concat([bytes, Buffer.from("x")]))).toBe(known);
        }
      }),
    );
  });
});
