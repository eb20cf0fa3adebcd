import { describe, expect, test } from "vitest";
import { parseProxy, proxyOfEnvironment } from "../../src/net/proxy.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("the URL of a proxy", () => {
  for (const [text, want] of [
    [
      "http://proxy.example:3128",
      { origin: "http://proxy.example:3128", host: "proxy.example:3128" },
    ],
    ["https://proxy.example", { origin: "https://proxy.example", host: "proxy.example" }],
    ["proxy.example:3128", { origin: "http://proxy.example:3128", host: "proxy.example:3128" }],
    ["http://[fd00::1]:3128/", { origin: "http://[fd00::1]:3128", host: "[fd00::1]:3128" }],
    [
      "http://user:p%40ss@proxy.example:3128",
      {
        origin: "http://proxy.example:3128",
        host: "proxy.example:3128",
        authorization: basic("user:p@ss"),
      },
    ],
    [
      "user:100%@proxy.example:3128",
      {
        origin: "http://proxy.example:3128",
        host: "proxy.example:3128",
        authorization: basic("user:100%"),
      },
    ],
    [
      "http://token@proxy.example",
      { origin: "http://proxy.example", host: "proxy.example", authorization: basic("token:") },
    ],
  ] as const) {
    test(`can be ${text}`, () => {
      expect(parseProxy(text)).toEqual(want);
    });
  }

  for (const [text, want] of [
    ["http://", "is not the URL of a proxy"],
    ["ftp://proxy.example", "is not the URL of a proxy"],
    ["topsecret@", "is not the URL of a proxy"],
    ["socks5://user:topsecret@proxy.example", "names a SOCKS proxy, which is not supported"],
  ] as const) {
    test(`cannot be ${text}, and the message does not show it`, () => {
      const problem = parseProxy(text);
      expect(problem).toContain(want);
      expect(problem).not.toContain("topsecret");
    });
  }
});

describe("the proxy of the environment", () => {
  const https = "http://https-proxy.example:1";
  const http = "http://http-proxy.example:2";
  for (const [title, env, url, want] of [
    ["none without variables", {}, "https://h.example", undefined],
    [
      "HTTPS_PROXY for https",
      { HTTPS_PROXY: https, HTTP_PROXY: http },
      "https://h.example",
      "HTTPS_PROXY",
    ],
    [
      "HTTP_PROXY for http",
      { HTTPS_PROXY: https, HTTP_PROXY: http },
      "http://h.example",
      "HTTP_PROXY",
    ],
    [
      "none for https if only HTTP_PROXY is set",
      { HTTP_PROXY: http },
      "https://h.example",
      undefined,
    ],
    [
      "none for http if only HTTPS_PROXY is set",
      { HTTPS_PROXY: https },
      "http://h.example",
      undefined,
    ],
    ["https_proxy in lower case", { https_proxy: https }, "https://h.example", "https_proxy"],
    [
      "the upper case before the lower case",
      { https_proxy: http, HTTPS_PROXY: https },
      "https://h.example",
      "HTTPS_PROXY",
    ],
    [
      "the lower case if the upper case is empty",
      { http_proxy: http, HTTP_PROXY: "" },
      "http://h.example",
      "http_proxy",
    ],
    [
      "none for a host in NO_PROXY",
      { HTTP_PROXY: http, NO_PROXY: "h.example" },
      "http://h.example",
      undefined,
    ],
    [
      "none for a host in no_proxy",
      { HTTP_PROXY: http, no_proxy: ".example" },
      "http://h.example",
      undefined,
    ],
    [
      "one for a host that only no_proxy names if NO_PROXY is set",
      { HTTP_PROXY: http, NO_PROXY: "x", no_proxy: "*" },
      "http://h.example",
      "HTTP_PROXY",
    ],
    ["none for this machine", { HTTP_PROXY: http }, "http://127.0.0.1:4318", undefined],
  ] as const) {
    test(`is ${title}`, () => {
      const found = proxyOfEnvironment(env, new URL(url));
      expect(found?.variable).toBe(want);
      expect(found?.proxy.origin).toBe(want === undefined ? undefined : Object(env)[want]);
    });
  }

  test("is an error that names the variable, but not its value, if it cannot be read", () => {
    const env = { HTTPS_PROXY: "gopher://u:topsecret@proxy.example" };
    const read = () => proxyOfEnvironment(env, new URL("https://h.example"));
    expect(read).toThrow(/^The environment variable HTTPS_PROXY is not the URL of a proxy; write/);
    expect(read).not.toThrow("topsecret");
  });

  test("is not read for a host that needs none", () => {
    const env = { HTTPS_PROXY: "gopher://proxy.example", NO_PROXY: "h.example" };
    expect(proxyOfEnvironment(env, new URL("https://h.example"))).toBeUndefined();
  });
});
