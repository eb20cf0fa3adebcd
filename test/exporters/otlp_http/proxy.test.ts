import { createServer } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { openProxy } from "../../support/http-proxy.ts";
import { noDeadline } from "../settings.ts";
import { backend, cleanups, exporter, listening, ok } from "./backend.ts";

let authority: Authority;
let server: Credentials;
let proxyCredentials: Credentials;

beforeAll(() => {
  authority = makeAuthority("Ours");
  server = authority.issue(["backend.example"]);
  proxyCredentials = authority.issue(["127.0.0.1"]);
});

type ProxyOptions = Parameters<typeof openProxy>[0];

async function proxy(options?: ProxyOptions) {
  const opened = await openProxy(options);
  cleanups.push(() => opened.close());
  return opened;
}

const basic = `Basic ${Buffer.from("user:topsecret").toString("base64")}`;

describe("a request to an http URL", () => {
  test("is sent to the proxy of proxy_url, with the whole URL and the credentials", async () => {
    const { port, received } = await backend(ok);
    const { host, requests } = await proxy();
    const { consume, component, log } = exporter({
      endpoint: `http://backend.example:${port}/otlp`,
      proxy_url: `http://user:topsecret@${host}`,
      headers: { authorization: "Bearer abc" },
    });
    expect(await consume("logs")).toEqual({ status: "accepted" });
    expect(requests).toMatchObject([
      {
        method: "POST",
        target: `http://backend.example:${port}/otlp/v1/logs`,
        headers: { host: `backend.example:${port}`, "proxy-authorization": basic },
      },
    ]);
    expect(received).toHaveLength(1);
    expect(received[0]!.request.headers).toMatchObject({
      host: `backend.example:${port}`,
      authorization: "Bearer abc",
      "content-type": "application/x-protobuf",
    });
    await component.start();
    expect(log).toEqual([
      {
        level: "info",
        message: "Sending through a proxy.",
        fields: {
          signal: "logs",
          host: `backend.example:${port}`,
          proxy: host,
          source: "proxy_url",
        },
      },
    ]);
  });

  test("reuses the connection to the proxy", async () => {
    const { port } = await backend(ok);
    const { host, requests, sockets } = await proxy();
    const section = { endpoint: `http://backend.example:${port}`, proxy_url: `http://${host}` };
    const { consume } = exporter(section);
    for (let n = 0; n < 3; n++) {
      await consume("traces");
    }
    expect(requests).toHaveLength(3);
    expect(sockets.size).toBe(1);
  });

  test("goes over TLS to a proxy that is reached over https", async () => {
    const { port, received } = await backend(ok);
    const { host, requests } = await proxy({ tls: proxyCredentials });
    const { consume } = exporter({
      endpoint: `http://backend.example:${port}`,
      proxy_url: `https://user:topsecret@${host}`,
      // The name of the backend, which is not that of the proxy.
      tls: { ca_pem: authority.ca, server_name_override: "elsewhere.example" },
    });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(requests.map(({ target }) => target)).toEqual([
      `http://backend.example:${port}/v1/traces`,
    ]);
    expect(received).toHaveLength(1);
  });

  test("that the proxy wants credentials for is sent again later", async () => {
    const { port, received } = await backend(ok);
    const { host } = await proxy({ answer: () => 407 });
    const section = { endpoint: `http://backend.example:${port}`, proxy_url: `http://${host}` };
    expect(await exporter(section).consume("traces")).toEqual({
      status: "retryable",
      message: `The backend backend.example:${port} cannot be reached, because of the proxy ${host}: it asks for credentials (407); put them into its URL.`,
    });
    expect(received).toEqual([]);
  });

  test("that the proxy cannot pass on is sent again later", async () => {
    const { port, close } = await backend(ok);
    await close();
    const { host } = await proxy();
    const section = { endpoint: `http://backend.example:${port}`, proxy_url: `http://${host}` };
    expect(await exporter(section).consume("traces")).toEqual({
      status: "retryable",
      message: `The backend backend.example:${port} answered 502 (bad gateway).`,
    });
  });
});

describe("a request to an https URL", () => {
  for (const scheme of ["http", "https"] as const) {
    test(`goes through a connection that a proxy opens which is reached over ${scheme}`, async () => {
      const { port, received } = await backend(ok, server);
      const { host, requests, sockets } = await proxy(
        scheme === "https" ? { tls: proxyCredentials } : {},
      );
      const { consume, component, log } = exporter({
        endpoint: `https://backend.example:${port}`,
        proxy_url: `${scheme}://user:topsecret@${host}`,
        headers: { authorization: "Bearer abc" },
        tls: { ca_pem: authority.ca },
      });
      expect(await consume("traces")).toEqual({ status: "accepted" });
      expect(await consume("traces")).toEqual({ status: "accepted" });
      // The proxy learns nothing but the host.
      expect(requests).toEqual([
        {
          method: "CONNECT",
          target: `backend.example:${port}`,
          headers: {
            host: `backend.example:${port}`,
            connection: "keep-alive",
            "proxy-authorization": basic,
          },
        },
      ]);
      expect(received).toHaveLength(2);
      expect(received[0]!.request.headers).toMatchObject({
        host: `backend.example:${port}`,
        authorization: "Bearer abc",
      });
      expect(received[0]!.request.headers["proxy-authorization"]).toBeUndefined();
      await component.shutdown(noDeadline());
      await Promise.all([...sockets].map((socket) => socket.destroyed || closed(socket)));
      expect(JSON.stringify(log)).not.toContain("topsecret");
    });
  }

  test("verifies the certificate of the backend", async () => {
    const { port, received } = await backend(
      ok,
      makeAuthority("Theirs").issue(["backend.example"]),
    );
    const { host } = await proxy();
    const { consume } = exporter({
      endpoint: `https://backend.example:${port}`,
      proxy_url: `http://${host}`,
      tls: { ca_pem: authority.ca },
    });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend backend.example:${port} cannot be reached through the proxy ${host}: its certificate cannot be verified; see tls.ca_file.`,
    });
    expect(received).toEqual([]);
  });

  test("verifies the certificate of the proxy", async () => {
    const { port } = await backend(ok, server);
    const { host } = await proxy({ tls: makeAuthority("Theirs").issue(["127.0.0.1"]) });
    const { consume } = exporter({
      endpoint: `https://backend.example:${port}`,
      proxy_url: `https://${host}`,
      tls: { ca_pem: authority.ca },
    });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend backend.example:${port} cannot be reached, because of the proxy ${host}: its certificate cannot be verified; see tls.ca_file.`,
    });
  });

  for (const [status, reason] of [
    [407, "it asks for credentials (407); put them into its URL"],
    [403, "it answered 403 to the request for a connection"],
    [502, "it answered 502 to the request for a connection"],
  ] as const) {
    test(`is sent again later if the proxy answers ${status}`, async () => {
      const { host, sockets } = await proxy({ answer: () => status });
      const { consume } = exporter({
        endpoint: "https://backend.example:4318",
        proxy_url: `http://user:topsecret@${host}`,
      });
      expect(await consume("traces")).toEqual({
        status: "retryable",
        message: `The backend backend.example:4318 cannot be reached, because of the proxy ${host}: ${reason}.`,
      });
      await Promise.all([...sockets].map((socket) => socket.destroyed || closed(socket)));
    });
  }

  test("asks for the port of https if the URL has none", async () => {
    const { host, requests } = await proxy({ answer: () => 403 });
    const { consume } = exporter({
      logs_endpoint: "https://[fd00::1]/logs",
      traces_endpoint: "https://backend.example/traces",
      proxy_url: `http://${host}`,
    });
    await consume("traces");
    await consume("logs");
    expect(requests.map(({ target }) => target)).toEqual(["backend.example:443", "[fd00::1]:443"]);
  });
});

describe("a proxy that fails", () => {
  const endpoint = "https://backend.example:4318";

  for (const url of [endpoint, "http://backend.example:4318"]) {
    test(`is named when it is down, for ${url}`, async () => {
      const { host, close } = await proxy();
      await close();
      const { consume } = exporter({ endpoint: url, proxy_url: `http://u:topsecret@${host}` });
      expect(await consume("traces")).toEqual({
        status: "retryable",
        message: `The backend backend.example:4318 cannot be reached, because of the proxy ${host}: the connection was refused.`,
      });
    });
  }

  test("is named when it closes the connection without an answer", async () => {
    const tcp = createServer((socket) => socket.once("data", () => socket.end()));
    const port = await listening(tcp);
    cleanups.push(() => tcp.close());
    const { consume } = exporter({ endpoint, proxy_url: `http://127.0.0.1:${port}` });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend backend.example:4318 cannot be reached, because of the proxy 127.0.0.1:${port}: it closed the connection without an answer.`,
    });
  });

  test("is named when it does not speak HTTP", async () => {
    const tcp = createServer((socket) => socket.end("SSH-2.0-server\r\n"));
    const port = await listening(tcp);
    cleanups.push(() => tcp.close());
    const { consume } = exporter({ endpoint, proxy_url: `http://127.0.0.1:${port}` });
    expect(await consume("traces")).toMatchObject({
      status: "retryable",
      message: expect.stringContaining(
        `because of the proxy 127.0.0.1:${port}: its answer is not HTTP.`,
      ),
    });
  });

  test("keeps nothing open when it never answers: the request ends at its timeout", async () => {
    const asked = Promise.withResolvers<void>();
    const { host, sockets } = await proxy({
      answer: () => {
        asked.resolve();
        return undefined;
      },
    });
    const section = { endpoint, proxy_url: `http://${host}`, timeout: "2s" };
    const { component, consume, clock } = exporter(section);
    const result = consume("traces");
    await asked.promise;
    const [socket] = sockets;
    clock.advance(2_000);
    expect(await result).toEqual({
      status: "retryable",
      message: `The backend backend.example:4318 did not answer through the proxy ${host} within 2000 ms.`,
    });
    await closed(socket!);
    await component.shutdown(noDeadline());
    expect(clock.pendingTimers).toBe(0);
  });

  test("does not hold up a shutdown", async () => {
    const asked = Promise.withResolvers<void>();
    const { host, sockets } = await proxy({
      answer: () => {
        asked.resolve();
        return undefined;
      },
    });
    const { component, consume, clock } = exporter({ endpoint, proxy_url: `http://${host}` });
    const result = consume("traces");
    await asked.promise;
    const [socket] = sockets;
    await component.shutdown(AbortSignal.abort());
    expect(await result).toMatchObject({ status: "retryable" });
    await closed(socket!);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("the environment", () => {
  test("names the proxies, by the scheme of the endpoint", async () => {
    const plain = await backend(ok);
    const secure = await backend(ok, server);
    const [http, https] = [await proxy(), await proxy()];
    const { consume, component, log } = exporter(
      {
        traces_endpoint: `http://backend.example:${plain.port}/t`,
        logs_endpoint: `https://backend.example:${secure.port}/l`,
        tls: { ca_pem: authority.ca },
      },
      { env: { HTTP_PROXY: `http://user:topsecret@${http.host}`, https_proxy: https.host } },
    );
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(await consume("logs")).toEqual({ status: "accepted" });
    expect(http.requests.map(({ method }) => method)).toEqual(["POST"]);
    expect(https.requests.map(({ method }) => method)).toEqual(["CONNECT"]);
    await component.start();
    expect(log.map(({ fields }) => [fields?.["proxy"], fields?.["source"]])).toEqual([
      [http.host, "HTTP_PROXY"],
      [https.host, "https_proxy"],
    ]);
    expect(JSON.stringify(log)).not.toContain("topsecret");
  });

  test("exempts hosts from its proxies", async () => {
    const { port, received } = await backend(ok);
    const { host, requests } = await proxy();
    const env = { HTTP_PROXY: `http://${host}` };
    // An address of this machine that is no loopback address.
    const endpoint = `http://0.0.0.0:${port}`;
    await exporter({ endpoint }, { env }).consume("traces");
    expect(requests).toHaveLength(1);
    await exporter({ endpoint }, { env: { ...env, NO_PROXY: "0.0.0.0/8" } }).consume("traces");
    await exporter({ endpoint: `http://127.0.0.1:${port}` }, { env }).consume("traces");
    expect(requests).toHaveLength(1);
    expect(received).toHaveLength(3);
  });

  test("does not apply to proxy_url, which is for this machine, too", async () => {
    const { port } = await backend(ok);
    const [ours, theirs] = [await proxy(), await proxy()];
    const { consume } = exporter(
      { endpoint: `http://127.0.0.1:${port}`, proxy_url: `http://${ours.host}` },
      { env: { HTTP_PROXY: `http://${theirs.host}`, NO_PROXY: "*" } },
    );
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect([ours.requests.length, theirs.requests.length]).toEqual([1, 0]);
  });

  test("that names something else than a proxy keeps the exporter from starting", () => {
    const env = { HTTPS_PROXY: "socks5://user:topsecret@h" };
    const { consumer } = exporter({ endpoint: "https://backend.example" }, { env });
    expect(() => consumer("traces")).toThrow(
      /^The environment variable HTTPS_PROXY names a SOCKS proxy, which is not supported; use an HTTP proxy.$/,
    );
  });
});

function closed(socket: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
