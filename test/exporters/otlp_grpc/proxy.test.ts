import { createServer } from "node:net";
import { ServerCredentials } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { factory } from "../../../src/exporters/otlp_grpc/factory.ts";
import { type Authority, makeAuthority } from "../../support/certificates.ts";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { openProxy } from "../../support/http-proxy.ts";
import { noDeadline, testSettings } from "../settings.ts";
import { afterwards, payloadBytes } from "./exporter-fixture.ts";

let authority: Authority;

beforeAll(() => {
  authority = makeAuthority("Ours");
});

async function sink(isSecure = false) {
  const { cert, key } = authority.issue(["backend.example"]);
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  const opened = await openGrpcSink(
    isSecure ? { credentials: ServerCredentials.createSsl(null, [pair]) } : {},
  );
  afterwards(() => opened.close());
  return opened;
}

async function proxy(options?: Parameters<typeof openProxy>[0]) {
  const opened = await openProxy(options);
  afterwards(() => opened.close());
  return opened;
}

/** An exporter in a process with these environment variables. */
function exporter(
  section: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>>,
) {
  const { settings, log, clock } = testSettings("otlp_grpc");
  const component = factory.create(
    { ...settings, env },
    {
      tls: { insecure: true },
      sending_queue: { enabled: false },
      retry_on_failure: { enabled: false },
      ...section,
    },
  );
  afterwards(() => component.shutdown(noDeadline()));
  const consumer = component.exporter!.consumer!("traces");
  return {
    component,
    log,
    clock,
    consume: () => consumer.consume({ signal: "traces", bytes: payloadBytes, items: 3 }),
  };
}

describe("with HTTPS_PROXY", () => {
  test("requests go through a connection that the proxy gives, whose name it looks up, also without TLS", async () => {
    const { port, requests } = await sink();
    const { host, requests: asked, sockets } = await proxy();
    const { consume, component, log } = exporter(
      { endpoint: `backend.example:${port}` },
      { HTTPS_PROXY: `http://user:topsecret@${host}` },
    );
    await component.start();
    expect(log).toEqual([
      {
        level: "info",
        message: "Sending through a proxy.",
        fields: { host: `backend.example:${port}`, proxy: host, source: "HTTPS_PROXY" },
      },
    ]);
    expect(await consume()).toEqual({ status: "accepted" });
    expect(await consume()).toEqual({ status: "accepted" });
    expect(asked).toMatchObject([
      {
        method: "CONNECT",
        target: `backend.example:${port}`,
        headers: {
          "proxy-authorization": `Basic ${Buffer.from("user:topsecret").toString("base64")}`,
        },
      },
    ]);
    expect(requests.length).toBe(2);
    expect(sockets.size).toBe(2); // one on each side
  });

  for (const scheme of ["http", "https"] as const) {
    test(`TLS is with the backend, beyond a proxy that is reached over ${scheme}`, async () => {
      const { port, requests } = await sink(true);
      const tls = scheme === "https" ? { tls: authority.issue(["127.0.0.1"]) } : {};
      const { host, requests: asked } = await proxy(tls);
      const { consume } = exporter(
        { endpoint: `backend.example:${port}`, tls: { ca_pem: authority.ca } },
        { HTTPS_PROXY: `${scheme}://${host}` },
      );
      expect(await consume()).toEqual({ status: "accepted" });
      expect(asked.map(({ target }) => target)).toEqual([`backend.example:${port}`]);
      expect(requests.length).toBe(1);
    });
  }

  test("hosts of NO_PROXY and this machine are reached directly", async () => {
    const { endpoint, requests } = await sink();
    const { host, requests: asked } = await proxy();
    const { consume } = exporter({ endpoint }, { HTTPS_PROXY: host, HTTP_PROXY: host });
    expect(await consume()).toEqual({ status: "accepted" });
    const exempt = exporter(
      { endpoint: "no-such-host.invalid:4317" },
      { HTTPS_PROXY: host, NO_PROXY: "invalid" },
    );
    expect(await exempt.consume()).toMatchObject({
      status: "retryable",
      message: expect.stringContaining("the host name cannot be resolved"),
    });
    expect([asked.length, requests.length]).toEqual([0, 1]);
  });

  for (const [status, reason] of [
    [407, "it asks for credentials (407); put them into its URL"],
    [403, "it answered 403 to the request for a connection"],
  ] as const) {
    test(`a request is sent again later when the proxy answers ${status}`, async () => {
      const { host } = await proxy({ answer: () => status });
      const { consume } = exporter(
        { endpoint: "backend.example:4317" },
        { HTTPS_PROXY: `http://user:topsecret@${host}` },
      );
      const result = await consume();
      expect(result).toEqual({
        status: "retryable",
        message: `The backend backend.example:4317 cannot be reached, because of the proxy ${host}: ${reason}.`,
      });
    });
  }

  test("a request is sent again later when the proxy is down", async () => {
    const { host, close } = await openProxy();
    await close();
    const { consume } = exporter({ endpoint: "backend.example:4317" }, { HTTPS_PROXY: host });
    expect(await consume()).toEqual({
      status: "retryable",
      message: `The backend backend.example:4317 cannot be reached, because of the proxy ${host}: the connection was refused.`,
    });
  });

  test("a proxy that does not answer is given up after the timeout", async () => {
    const asked = Promise.withResolvers<void>();
    const { host } = await proxy({
      answer: () => {
        asked.resolve();
        return undefined;
      },
    });
    const { consume, clock } = exporter(
      { endpoint: "backend.example:4317" },
      { HTTPS_PROXY: host },
    );
    const result = consume();
    await asked.promise;
    clock.advance(5_000);
    expect(await result).toMatchObject({
      status: "retryable",
      message: expect.stringContaining(host),
    });
  });

  test("a URL that is not that of a proxy stops the start, without being shown", () => {
    expect(() =>
      exporter({ endpoint: "backend.example:4317" }, { HTTPS_PROXY: "socks5://u:topsecret@x" }),
    ).toThrow("The environment variable HTTPS_PROXY names a SOCKS proxy, which is not supported");
  });
});

test("a proxy that closes the connection before its answer is named", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterwards(() => server.close());
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const { consume } = exporter({ endpoint: "backend.example:4317" }, { HTTPS_PROXY: host });
  expect(await consume()).toEqual({
    status: "retryable",
    message: `The backend backend.example:4317 cannot be reached, because of the proxy ${host}: it closed the connection without an answer.`,
  });
});
