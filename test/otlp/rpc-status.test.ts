import { describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { retryDelayMsOf } from "../../src/otlp/retry-info.ts";
import { encodeStatus } from "../../src/otlp/rpc-status.ts";

describe("a status in protobuf", () => {
  test("is a google.rpc.Status", () => {
    const bytes = encodeStatus("protobuf", { code: 3, message: "no" });
    expect([...bytes]).toEqual([0x08, 3, 0x12, 2, 0x6e, 0x6f]);
  });

  test("has a BadRequest that says what is wrong", () => {
    const details = [{ kind: "bad_request", description: "it breaks off" }] as const;
    const status = otlp.RpcStatus.decode(
      encodeStatus("protobuf", { code: 3, message: "no", details }),
    );
    const [detail] = status.details;
    expect(detail?.typeUrl).toBe("type.googleapis.com/google.rpc.BadRequest");
    const { fieldViolations } = otlp.RpcBadRequest.decode(detail!.value!);
    expect(fieldViolations.map(({ description }) => description)).toEqual(["it breaks off"]);
  });

  for (const delayMs of [0, 1, 999, 1000, 1500, 86_400_000]) {
    test(`has a RetryInfo of ${delayMs} ms that a client reads`, () => {
      const details = [{ kind: "retry_info", delayMs }] as const;
      const bytes = encodeStatus("protobuf", { code: 14, message: "later", details });
      expect(retryDelayMsOf(bytes)).toBe(delayMs);
    });
  }
});

describe("a status in JSON", () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

  test("has its code and its message", () => {
    expect(text(encodeStatus("json", { code: 14, message: 'say "when"' }))).toBe(
      '{"code":14,"message":"say \\"when\\""}',
    );
  });

  test("has details with their types, as protobuf's JSON writes an Any", () => {
    const details = [
      { kind: "bad_request", description: "it breaks off" },
      { kind: "retry_info", delayMs: 1500 },
    ] as const;
    expect(JSON.parse(text(encodeStatus("json", { code: 3, message: "no", details })))).toEqual({
      code: 3,
      message: "no",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.BadRequest",
          fieldViolations: [{ description: "it breaks off" }],
        },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" },
      ],
    });
  });
});
