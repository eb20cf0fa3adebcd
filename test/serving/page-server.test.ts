import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ServerAuthenticator } from "../../src/component/authenticator.ts";
import type { HttpServer } from "../../src/net/server.ts";
import { servePages } from "../../src/serving/page-server.ts";
import { checkServer, serverOptions } from "../../src/serving/server-options.ts";
import { testSettings } from "../exporters/settings.ts";
import { rawSocket } from "../net/raw-socket.ts";

const schema = z
  .strictObject({ ...serverOptions("127.0.0.1:0", "The address.") })
  .check(checkServer);
const opened: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close(AbortSignal.abort())));
});

const word: ServerAuthenticator = {
  challenge: 'Bearer realm="test"',
  authenticate: async ({ authorization }) => {
    if (authorization === "Bearer busy") {
      return { ok: false, refused: "busy", message: "Try again." };
    }
    return authorization === "Bearer word"
      ? { ok: true }
      : { ok: false, refused: "unauthenticated", message: "No." };
  },
};

async function open(section: object, authenticator: ServerAuthenticator = word) {
  const made = testSettings("page");
  const settings = { ...made.settings, authenticator: () => ({ server: authenticator }) };
  const server = await servePages(settings, schema.parse(section), {
    handler: (request, response) => response.end(`page ${request.url}`),
    onError: () => {},
  });
  opened.push(server);
  return { server, log: made.log, metrics: made.ownMetrics, clock: made.clock };
}

async function say(port: number, text: string): Promise<string> {
  const socket = await rawSocket(port);
  socket.send(text);
  return socket.closed();
}

const get = (host: string, target = "/a") =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

describe("a page", () => {
  test("is served to clients that call it by a name of this machine", async () => {
    const { server } = await open({});
    expect(await say(server.port, get("localhost"))).toContain("page /a");
  });

  test("is not served to a web page that points its own name here", async () => {
    const { server, log } = await open({});
    for (let times = 0; times < 3; times += 1) {
      const answer = await say(server.port, get("evil.example"));
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).not.toContain("page");
    }
    const lines = log.filter(({ level }) => level === "warn");
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toContain("allowed_hosts");
    expect(JSON.stringify(log)).not.toContain("evil");
  });

  test("is served by a name of allowed_hosts, and by that of the endpoint", async () => {
    const { server } = await open({ allowed_hosts: ["pages.example"], endpoint: "localhost:0" });
    expect(await say(server.port, get("pages.example"))).toContain("page /a");
  });

  test("is served by any name on a server that is open to the network", async () => {
    const { server } = await open({ endpoint: "0.0.0.0:0" });
    expect(await say(server.port, get("collector.observability.svc"))).toContain("page /a");
  });

  test("is served for an absolute target, and without a host over HTTP/1.0", async () => {
    const { server } = await open({});
    expect(await say(server.port, get("localhost", "http://localhost/b?c"))).toContain("page /b?c");
    expect(await say(server.port, "GET /a HTTP/1.0\r\n\r\n")).toContain("page /a");
  });

  test("asks for credentials", async () => {
    const { server, log } = await open({ auth: { authenticator: "word" } });
    const url = `http://${server.endpoint}/a`;
    const refused = await fetch(url, { headers: { authorization: "Bearer secret-guess" } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="test"');
    expect(refused.headers.get("content-type")).toContain("text/plain");
    const busy = await fetch(url, { headers: { authorization: "Bearer busy" } });
    expect([busy.status, busy.headers.get("retry-after")]).toEqual([503, "1"]);
    const allowed = await fetch(url, { headers: { authorization: "Bearer word" } });
    expect(await allowed.text()).toBe("page /a");
    expect(JSON.stringify(log)).not.toContain("secret-guess");
  });

  test("refusals are counted by reason, from 0 on", async () => {
    const { server, metrics } = await open({ auth: { authenticator: "word" } });
    await fetch(`http://${server.endpoint}/a`);
    const page = await metrics();
    expect(page).toContain(
      'otelcol_server_refused_requests{component="page",reason="unauthenticated"} 1',
    );
    expect(page).toContain(
      'otelcol_server_refused_requests{component="page",reason="unknown_host"} 0',
    );
  });
});

test("a server that others can reach says so once, with the remedy", async () => {
  const { log } = await open({ endpoint: "0.0.0.0:0" });
  expect(
    log.filter(({ message }) => message.includes("without TLS and authentication")),
  ).toHaveLength(1);
});

test("an endpoint and a transport must fit", () => {
  for (const [section, message] of [
    [{ transport: "unix", endpoint: "localhost:1" }, "must be the path of a unix socket"],
    [{ transport: "tcp4", endpoint: "[::1]:1" }, "is tcp4, but the endpoint is an address of IPv6"],
    [{ transport: "tcp6", endpoint: "unix:///run/a.sock" }, "write unix"],
    [{ endpoint: `unix:///${"a".repeat(120)}` }, "at most 107"],
    [{ endpoint: "unix://relative.sock" }, "is not the absolute path"],
    [{ endpoint: "@abstract", transport: "unix" }, "abstract namespace"],
    [{ transport: "udp" }, "carries no HTTP"],
    [{ allowed_hosts: ["http://a"] }, "must be a host name without a port"],
    [{ allowed_hosts: ["a:1"] }, "must be a host name without a port"],
  ] as const) {
    const { error } = schema.safeParse(section);
    expect(error?.issues[0]?.message).toContain(message);
  }
});

test("the path of a unix socket is written with or without unix://", () => {
  for (const section of [
    { transport: "unix", endpoint: "/run/a.sock" },
    { endpoint: "unix:///run/a.sock" },
    { transport: "unix", endpoint: "unix:/run/a.sock" },
  ]) {
    const parsed = schema.parse(section);
    expect(parsed.endpoint).toEqual({ path: "/run/a.sock" });
    expect(schema.parse(z.encode(schema, parsed))).toEqual(parsed);
  }
});
