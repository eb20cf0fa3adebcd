import { describe, expect, test } from "vitest";
import { type CorsPolicy, createCors } from "../../src/net/cors.ts";

const none: CorsPolicy = {
  allowed_origins: [],
  allowed_headers: [],
  exposed_headers: [],
  max_age: 0,
};

const vary = { Vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" };

function preflight(policy: Partial<CorsPolicy>, headers: Record<string, string>) {
  return createCors({ ...none, ...policy })("OPTIONS", {
    "access-control-request-method": "POST",
    ...headers,
  });
}

describe("a preflight", () => {
  test("of a page that is allowed gets what it asked for", () => {
    expect(
      preflight(
        { allowed_origins: ["https://app.example"], max_age: 600 },
        { origin: "https://app.example", "access-control-request-headers": "content-type" },
      ),
    ).toEqual({
      isPreflight: true,
      headers: {
        ...vary,
        "Access-Control-Allow-Origin": "https://app.example",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": "600",
      },
    });
  });

  for (const [title, policy, headers] of [
    ["of another page", { allowed_origins: ["https://app.example"] }, { origin: "https://evil" }],
    ["without an origin", { allowed_origins: ["*"] }, {}],
    [
      "for another method",
      { allowed_origins: ["*"] },
      { origin: "https://a", "access-control-request-method": "DELETE" },
    ],
    [
      "for a header that is not allowed",
      { allowed_origins: ["*"] },
      { origin: "https://a", "access-control-request-headers": "content-type,authorization" },
    ],
  ] as const) {
    test(`${title} gets nothing but Vary`, () => {
      expect(preflight(policy, headers)).toEqual({ isPreflight: true, headers: vary });
    });
  }

  for (const [title, allowed_headers] of [
    ["named in any case", ["Authorization", "Content-Type"]],
    ["all", ["*"]],
  ] as const) {
    test(`may ask for headers that are ${title}`, () => {
      const { headers } = preflight(
        { allowed_origins: ["*"], allowed_headers },
        { origin: "https://a", "access-control-request-headers": "content-type, authorization" },
      );
      expect(headers["Access-Control-Allow-Headers"]).toBe("content-type, authorization");
    });
  }

  test("is an OPTIONS request that asks for a method", () => {
    const judge = createCors({ ...none, allowed_origins: ["*"] });
    expect(judge("OPTIONS", { origin: "https://a" }).isPreflight).toBe(false);
    expect(
      judge("POST", { origin: "https://a", "access-control-request-method": "POST" }).isPreflight,
    ).toBe(false);
  });
});

describe("a request", () => {
  const judge = (policy: Partial<CorsPolicy>, origin: string | undefined) =>
    createCors({ ...none, ...policy })("POST", origin === undefined ? {} : { origin }).headers;

  test("of a page that is allowed may be read by it, with the headers that are exposed", () => {
    expect(
      judge({ allowed_origins: ["https://a"], exposed_headers: ["X-A", "X-B"] }, "https://a"),
    ).toEqual({
      Vary: "Origin",
      "Access-Control-Allow-Origin": "https://a",
      "Access-Control-Allow-Credentials": "true",
      "Access-Control-Expose-Headers": "X-A, X-B",
    });
  });

  for (const [pattern, origin, isAllowed] of [
    ["https://*.example.com", "https://app.example.com", true],
    ["https://*.example.com", "https://a.b.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "http://app.example.com", false],
    ["https://*.example.com", "https://app.example.com.evil", false],
    ["http://localhost:*", "http://localhost:3000", true],
    ["HTTPS://App.Example.Com", "https://app.example.com", true],
    ["https://aba*aba", "https://aba", false],
    ["https://app.example.com", "https://app.example.com:8443", false],
  ] as const) {
    test(`from ${origin} ${isAllowed ? "is" : "is not"} allowed by ${pattern}`, () => {
      const headers = judge({ allowed_origins: [pattern] }, origin);
      expect(headers["Access-Control-Allow-Origin"]).toBe(isAllowed ? origin : undefined);
    });
  }

  test("from anywhere gets *, with which browsers send no credentials", () => {
    expect(judge({ allowed_origins: ["https://a", "*"] }, "https://b")).toMatchObject({
      "Access-Control-Allow-Origin": "*",
    });
  });

  test("of no page gets Vary only", () => {
    expect(judge({ allowed_origins: ["*"] }, undefined)).toEqual({ Vary: "Origin" });
  });
});
