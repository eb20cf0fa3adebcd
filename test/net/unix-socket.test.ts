import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HttpServer, listen } from "../../src/net/server.ts";

let folder: string;
const opened: HttpServer[] = [];
const now = AbortSignal.abort();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "unix-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close(now)));
  await rm(folder, { recursive: true });
});

async function open(path: string): Promise<HttpServer> {
  const server = await listen({ path, handler: (_, response) => response.end("fine") });
  opened.push(server);
  return server;
}

function get(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: "/", agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end();
  });
}

/** Leaves the file of a socket behind, as a program that is killed does. */
async function leaveStale(path: string): Promise<void> {
  const child = spawn(process.execPath, [
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("ready"))`,
  ]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

test("a unix socket answers, and only its user and group may connect", async () => {
  const path = join(folder, "a.sock");
  const server = await open(path);
  expect(server.endpoint).toBe(`unix:${path}`);
  expect(await get(path)).toBe(200);
  expect(statSync(path).mode & 0o777).toBe(0o660);
});

test("its file is removed when the server closes", async () => {
  const path = join(folder, "a.sock");
  const server = await open(path);
  await server.close(now);
  expect(existsSync(path)).toBe(false);
});

test("a file that a killed program has left is replaced", async () => {
  const path = join(folder, "a.sock");
  await leaveStale(path);
  expect(existsSync(path)).toBe(true);
  await open(path);
  expect(await get(path)).toBe(200);
});

test("a socket on which a program listens is left to it", async () => {
  const path = join(folder, "a.sock");
  await open(path);
  await expect(open(path)).rejects.toThrow(
    `Cannot listen on unix:${path}: a running program listens there. Stop it or choose another path.`,
  );
  expect(await get(path)).toBe(200);
});

test("a file that is no socket is never removed", async () => {
  const path = join(folder, "precious");
  await writeFile(path, "data");
  await expect(open(path)).rejects.toThrow("there is something else at the path");
  expect(statSync(path).isFile()).toBe(true);
});

test("a folder that does not exist is named", async () => {
  await expect(open(join(folder, "none", "a.sock"))).rejects.toThrow(
    "the directory does not exist",
  );
});

test("a path that is too long is named, and no shorter one is opened", async () => {
  await expect(open(join(folder, "x".repeat(120)))).rejects.toThrow("the path has more than");
});

test("a family chooses the address of a name", async () => {
  const server = await listen({ host: "localhost", port: 0, family: 4, handler: () => {} });
  opened.push(server);
  expect(server.host).toBe("127.0.0.1");
});
