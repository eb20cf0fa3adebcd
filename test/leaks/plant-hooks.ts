/** Runs in the collector before its own code and plants every leak of `plants.ts`. `LEAK_FOLDER` is where its files are. */
import { EventEmitter } from "node:events";
import { appendFileSync, readdirSync, statSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { encoders, mistakes, type Plant, plants } from "./plants.ts";

/** Of the whole program, because planted mistakes use it. */
const shared = globalThis as typeof globalThis & { lastId?: string | undefined };
const planted = (where: Plant["where"], line: (name: string, leaked: string) => string) =>
  plants
    .filter((plant) => plant.where === where)
    .map(({ name, encoding }) => line(name, encoders[encoding](shared.lastId ?? "")))
    .join("");

const emit = EventEmitter.prototype.emit;
EventEmitter.prototype.emit = function (
  this: EventEmitter,
  event: string | symbol,
  ...args: unknown[]
): boolean {
  const [request, head] = args;
  if (event === "request" && request instanceof IncomingMessage) {
    remember(request.headers);
  }
  if (event === "stream" && isStream(request)) {
    remember(head);
    const { respond } = request;
    request.respond = (headers, options) =>
      respond.call(
        request,
        { ...headers, "x-planted": planted("call", (name, leaked) => `${name}: ${leaked};`) },
        options,
      );
  }
  return Reflect.apply(emit, this, [event, ...args]);
};

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === "object" && value !== null && "respond" in value;
}

function remember(headers: unknown): void {
  const id =
    typeof headers === "object" && headers !== null ? Reflect.get(headers, "x-session-id") : "";
  shared.lastId = typeof id === "string" && id !== "" ? id : shared.lastId;
}

const writeHead = ServerResponse.prototype.writeHead;
Reflect.set(
  ServerResponse.prototype,
  "writeHead",
  function (this: ServerResponse, ...args: unknown[]): ServerResponse {
    if (shared.lastId !== undefined) {
      const { method = "", url = "" } = this.req;
      const where = method === "POST" ? "answer" : url === "/metrics" ? "metrics page" : "page";
      this.setHeader(
        "x-planted",
        planted(where, (name, leaked) => `${name}: ${leaked};`),
      );
    }
    return Reflect.apply(writeHead, this, args);
  },
);

for (const [where, stream] of [
  ["stderr", process.stderr],
  ["stdout", process.stdout],
] as const) {
  const write = stream.write.bind(stream);
  Reflect.set(stream, "write", (...args: unknown[]): boolean => {
    const [text] = args;
    if (typeof text === "string" && shared.lastId !== undefined) {
      args[0] = text + planted(where, (name, leaked) => `${name}: ${leaked}\n`);
    }
    return Reflect.apply(write, stream, args);
  });
}

process.on("exit", () => {
  const folder = process.env["LEAK_FOLDER"];
  if (folder === undefined || !isMainThread) {
    return;
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (/^(?:storage|out|recording)\//.test(name) && statSync(path).isFile()) {
      appendFileSync(
        path,
        planted("files", (plant, leaked) => `\n${plant}: ${leaked}\n`),
      );
    }
  }
});

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const wrong = mistakes.filter(({ file }) => url.endsWith(`/${file}`));
    if (wrong.length === 0 || loaded.source === undefined || loaded.source === null) {
      return loaded;
    }
    let source =
      typeof loaded.source === "string"
        ? loaded.source
        : Buffer.from(loaded.source as Uint8Array).toString();
    for (const { name, file, find, replace } of wrong) {
      if (!source.includes(find)) {
        throw new Error(
          `The mistake "${name}" of test/leaks/plants.ts does not fit any more: "${find}" is not in ${file}.`,
        );
      }
      source = source.replace(find, () => replace);
    }
    return { ...loaded, source };
  },
});
