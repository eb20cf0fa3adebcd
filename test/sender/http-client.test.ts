import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type PostOutcome,
} from "../../src/sender/http-client.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Mood, type MoodyServer, startMoodyServer } from "./moody-server.ts";

const ok = { status: 200 } as const;
const request = { signal: "traces", body: Buffer.from("spans") } as const;
const accepted: PostOutcome = { status: "accepted", isReconnected: false };
const away = (message: unknown) => ({ status: "retryable", message });

let clock: FakeClock;
let server: MoodyServer;
let client: HttpClient;

beforeEach(() => {
  clock = new FakeClock();
  clock.setUnixMs(Date.UTC(2026, 10, 23, 8, 0, 0));
});

afterEach(async () => {
  client.close();
  await server.close();
});

async function start(moods: readonly Mood[], options: Partial<HttpClientOptions> = {}) {
  server = await startMoodyServer(moods);
  client = createHttpClient({
    endpoint: server.url,
    headers: { "X-Key": "k" },
    timeoutMs: 5_000,
    clock,
    ...options,
  });
}

describe("the outcome of an answer", () => {
  for (const [status, want] of [
    [200, "accepted"],
    [202, "accepted"],
    [301, "permanent"],
    [400, "permanent"],
    [401, "permanent"],
    [404, "permanent"],
    [413, "permanent"],
    [429, "retryable"],
    [500, "permanent"],
    [502, "retryable"],
    [503, "retryable"],
    [504, "retryable"],
  ] as const) {
    test(`with status ${status} is ${want}`, async () => {
      await start([{ status }]);

      expect(await client.post(request)).toEqual(
        want === "accepted"
          ? accepted
          : { status: want, message: `It answered with status ${status}.` },
      );
    });
  }

  test("that switches to another protocol is permanent, and the connection is closed", async () => {
    const switching = { connection: "Upgrade", upgrade: "h2c" };
    await start([{ status: 101, headers: switching }, ok]);

    const message = "It answered with status 101.";
    expect(await client.post(request)).toEqual({ status: "permanent", message });
    expect(await client.post(request)).toEqual(accepted);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  for (const [header, retryAfterMs] of [
    ["3", 3_000],
    ["Mon, 23 Nov 2026 08:00:30 GMT", 30_000],
    ["soon", undefined],
  ] as const) {
    test(`with Retry-After ${header} says to wait ${retryAfterMs} ms`, async () => {
      await start([{ status: 503, headers: { "retry-after": header } }]);

      expect(await client.post(request)).toEqual({
        ...away("It answered with status 503."),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    });
  }

  test("whose body breaks off is that of its status", async () => {
    await start(["break off"]);

    expect(await client.post(request)).toEqual(accepted);
  });

  test("whose body never ends is that of its status, when the time is over", async () => {
    await start(["drip"]);
    const outcome = client.post(request);
    await new Promise<void>((resolve) => {
      const statusLine = "http.client.response.finish";
      const onStatusLine = () => {
        unsubscribe(statusLine, onStatusLine);
        resolve();
      };
      subscribe(statusLine, onStatusLine);
    });
    clock.advance(5_000);

    expect(await outcome).toEqual(accepted);
  });
});

describe("without an answer", () => {
  test("it is to be tried again when the time is over", async () => {
    await start(["hang"]);
    const outcome = client.post(request);
    await server.received(1);
    clock.advance(5_000);

    expect(await outcome).toEqual(away("No answer within 5000 ms."));
  });

  test("it is to be tried again when the connection is reset", async () => {
    await start(["reset"]);

    expect(await client.post(request)).toMatchObject(away(expect.stringMatching(/./)));
    expect(server.requests).toHaveLength(1);
  });

  test("it is to be tried again when nobody listens, whatever the host's addresses", async () => {
    await start([ok]);
    await server.close();
    for (const host of ["127.0.0.1", "localhost"]) {
      const endpoint = new URL(`http://${host}:${server.url.port}`);
      const other = createHttpClient({ endpoint, headers: {}, timeoutMs: 5_000, clock });

      expect(await other.post(request)).toEqual(away(expect.stringMatching(/ECONNREFUSED/)));
    }
  });

  for (const [title, abort] of [
    ["before", (controller: AbortController) => controller.abort()],
    [
      "meanwhile",
      (controller: AbortController) => server.received(1).then(() => controller.abort()),
    ],
  ] as const) {
    test(`it is to be tried again when it was cut off ${title}`, async () => {
      await start(["hang"]);
      const controller = new AbortController();
      void abort(controller);

      expect(await client.post(request, controller.signal)).toMatchObject({ status: "retryable" });
    });
  }

  test("a request that cannot be sent at all is refused, and nothing is thrown", async () => {
    await start([ok], { headers: { "x-key": "line\nbreak" } });

    expect(await client.post(request)).toEqual({
      status: "permanent",
      message: expect.stringContaining("x-key"),
    });
  });
});

describe("the connection", () => {
  test("is one for all requests", async () => {
    await start([ok]);
    for (const _ of [1, 2, 3]) {
      expect(await client.post(request)).toEqual(accepted);
    }

    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1]);
  });

  test("may be closed while idle: the request goes over another one, which is said", async () => {
    await start([ok, "reset", ok]);
    await client.post(request);

    expect(await client.post(request)).toEqual({ status: "accepted", isReconnected: true });
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  test("is not made a third time", async () => {
    await start([ok, "reset"]);
    await client.post(request);

    expect(await client.post(request)).toMatchObject({ status: "retryable" });
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  test("that the server closes after each answer says nothing about the server", async () => {
    await start([{ status: 200, headers: { connection: "close" } }]);
    for (const _ of [1, 2, 3]) {
      expect(await client.post(request)).toEqual(accepted);
    }

    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3]);
  });
});

test("a request brings its body, its length and the headers", async () => {
  await start([ok]);
  await client.post(request);

  expect(server.requests[0]).toMatchObject({
    body: "spans",
    headers: { "x-key": "k", "content-type": "application/x-protobuf", "content-length": "5" },
  });
});

for (const [path, traces, logs] of [
  ["", "/v1/traces", "/v1/logs"],
  ["/", "/v1/traces", "/v1/logs"],
  ["/prefix/?key=1", "/prefix/v1/traces?key=1", "/prefix/v1/logs?key=1"],
  ["/v1/traces", "/v1/traces", "/v1/logs"],
  ["/prefix/v1/logs", "/prefix/v1/traces", "/prefix/v1/logs"],
] as const) {
  test(`the endpoint "${path}" takes spans at ${traces} and log records at ${logs}`, async () => {
    await start([ok]);
    const endpoint = new URL(path, server.url);
    client = createHttpClient({ endpoint, headers: {}, timeoutMs: 5_000, clock });
    await client.post(request);
    await client.post({ ...request, signal: "logs" });

    expect(server.requests.map((each) => each.path)).toEqual([traces, logs]);
  });
}
