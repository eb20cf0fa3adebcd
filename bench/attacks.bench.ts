// How long good senders wait for their answers while another sender attacks the real collector, and how many are refused. The attacker has the address
// 127.0.0.2; one good sender has another address, one the same, and a third scrapes the page of metrics. Each request has a connection of its own.
// Run: node bench/attacks.bench.ts [--rounds 20]
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { exportPath, framed, grpcStatusOf, rawCall } from "../test/receivers/otlp/grpc-client.ts";
import {
  flags,
  headerBlock,
  hello,
  http2Frame,
  reset,
} from "../test/receivers/otlp/http2-frames.ts";
import { oneItem } from "../test/receivers/otlp/otlp-requests.ts";
import { startCollector } from "../test/support/process.ts";
import { median, rssMiBOf } from "./measure.ts";
import { machineFacts, printTable } from "./report.ts";

const targetMs = 500;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" } } });
const rounds = Number(values.rounds);

const trace = oneItem("traces", "protobuf");
const mebibyte = 1024 * 1024;
const attackerAddress = "127.0.0.2";

const collector = await startCollector();
const http = Number(new URL(collector.endpoints.otlp).port);
const grpc = Number(collector.endpoints.otlpGrpc.split(":").at(-1));
const page = Number(/:(\d+)/.exec(collector.endpoints.prometheus)?.[1]);

const post = (length: number, path = "/v1/traces") =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${length}\r\n\r\n`;
const call = (index: number, flag: number = flags.endHeaders) =>
  http2Frame("headers", flag, 2 * index + 1, headerBlock(exportPath("traces")));
const many = (count: number, of: (index: number) => Uint8Array) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => of(index)));
const noWindow = http2Frame("settings", flags.none, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
const resets = Buffer.concat([
  hello,
  many(5_000, (index) =>
    Buffer.concat([call(index, flags.endHeaders | flags.endStream), reset(2 * index + 1, 8)]),
  ),
]);
const pings = Buffer.concat([hello, many(5_000, () => http2Frame("ping", 0, 0, Buffer.alloc(8)))]);
const continuations = Buffer.concat([
  hello,
  call(0, flags.endStream),
  many(5_000, () => http2Frame("continuation", 0, 1, Buffer.from([0, 1, 0x61, 1, 0x62]))),
]);

interface Attack {
  readonly connections: number;
  readonly port: number;
  /** What each connection sends when it is open. */
  readonly says?: (socket: Socket) => void;
  /** Whether a connection that was closed is opened again. */
  readonly comesBack?: boolean;
}

const attacks: Readonly<Record<string, Attack>> = {
  none: { connections: 0, port: http },
  "nine half-sent bodies of 20 MiB": {
    connections: 9,
    port: http,
    comesBack: true,
    says: (socket) => {
      socket.write(post(20 * mebibyte));
      socket.write(Buffer.alloc(19 * mebibyte));
    },
  },
  "1100 silent connections": { connections: 1_100, port: http, comesBack: true },
  "1000 idle connections": {
    connections: 1_000,
    port: http,
    comesBack: true,
    says: (socket) => socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  },
  "1000 slow headers": {
    connections: 1_000,
    port: http,
    comesBack: true,
    says: (socket) => trickle(socket, "GET /x HTTP/1.1\r\nHost: localhost\r\nX: "),
  },
  "1000 slow bodies": {
    connections: 1_000,
    port: http,
    comesBack: true,
    says: (socket) => trickle(socket, `${post(10_000)}a`),
  },
  "30 × 5000 pipelined, never read": {
    connections: 30,
    port: http,
    comesBack: true,
    says: (socket) => {
      socket.pause();
      socket.write("GET /v1/traces HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5_000));
    },
  },
  "gRPC: 30 × 100 calls without a message": {
    connections: 30,
    port: grpc,
    comesBack: true,
    says: (socket) => socket.write(Buffer.concat([hello, many(100, (index) => call(index))])),
  },
  "gRPC: 20 × 100 answers not taken": {
    connections: 20,
    port: grpc,
    comesBack: true,
    says: (socket) =>
      socket.write(
        Buffer.concat([
          hello,
          noWindow,
          many(100, (index) =>
            Buffer.concat([
              call(index),
              http2Frame("data", flags.endStream, 2 * index + 1, framed(trace)),
            ]),
          ),
        ]),
      ),
  },
  "gRPC: 20 × rapid reset": {
    connections: 20,
    port: grpc,
    comesBack: true,
    says: (socket) => socket.write(resets),
  },
  "gRPC: 20 × pings": {
    connections: 20,
    port: grpc,
    comesBack: true,
    says: (socket) => socket.write(pings),
  },
  "gRPC: 20 × CONTINUATION": {
    connections: 20,
    port: grpc,
    comesBack: true,
    says: (socket) => socket.write(continuations),
  },
};

const stops = new Set<() => void>();

/** A byte a second. */
function trickle(socket: Socket, first: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write("a"), 1_000);
  socket.once("close", () => clearInterval(timer));
}

function open(attack: Attack, isOver: () => boolean): void {
  const socket = connect({ host: "127.0.0.1", port: attack.port, localAddress: attackerAddress });
  const stop = () => socket.destroy();
  stops.add(stop);
  socket.on("error", () => {});
  socket.once("connect", () => attack.says?.(socket));
  if (socket.isPaused() === false) {
    socket.resume();
  }
  socket.once("close", () => {
    stops.delete(stop);
    if (attack.comesBack === true && !isOver()) {
      setTimeout(() => {
        if (!isOver()) {
          open(attack, isOver);
        }
      }, 1_000);
    }
  });
}

interface Answer {
  readonly ms: number;
  readonly isGood: boolean;
}

async function timed(send: () => Promise<boolean>): Promise<Answer> {
  const startedMs = performance.now();
  const isGood = await send();
  return { ms: performance.now() - startedMs, isGood };
}

function overHttp(port: number, localAddress: string, path?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        localAddress,
        path: path ?? "/v1/traces",
        method: path === undefined ? "POST" : "GET",
        headers: path === undefined ? { "content-type": "application/x-protobuf" } : {},
        agent: false,
      },
      (response) => response.resume().on("end", () => resolve(response.statusCode === 200)),
    );
    request.on("error", () => resolve(false));
    request.end(path === undefined ? trace : undefined);
  });
}

async function overGrpc(localAddress: string): Promise<boolean> {
  const session = connectHttp2(`http://127.0.0.1:${grpc}`, {
    createConnection: () => connect({ host: "127.0.0.1", port: grpc, localAddress }),
  });
  session.on("error", () => {});
  const status = grpcStatusOf(await rawCall(session, [framed(trace)]).answer);
  session.destroy();
  return status === "0";
}

const senders: Readonly<Record<string, () => Promise<boolean>>> = {
  HTTP: () => overHttp(http, "127.0.0.3"),
  gRPC: () => overGrpc("127.0.0.3"),
  "HTTP, same address": () => overHttp(http, attackerAddress),
  scrape: () => overHttp(page, attackerAddress, "/metrics"),
};

console.log(machineFacts());
const rows = [];
for (const [name, attack] of Object.entries(attacks)) {
  let isOver = false;
  for (let index = 0; index < attack.connections; index++) {
    open(attack, () => isOver);
  }
  const answers: Record<string, Answer[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [who, send] of Object.entries(senders)) {
      answers[who] = [...(answers[who] ?? []), await timed(send)];
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  isOver = true;
  for (const stop of [...stops]) {
    stop();
  }
  rows.push({
    attack: name,
    ...Object.fromEntries(
      Object.entries(answers).map(([who, each]) => {
        const ms = each.map((answer) => answer.ms);
        const refused = each.filter(({ isGood }) => !isGood).length;
        const worst = Math.max(...ms);
        return [
          `${who}, ms`,
          `${median(ms).toFixed(0)}, at most ${worst.toFixed(0)}${worst > targetMs ? " (!)" : ""}${refused > 0 ? `, ${refused} refused` : ""}`,
        ];
      }),
    ),
    "RSS, MiB": rssMiBOf(collector.pid).toFixed(0),
  });
  // Until the collector has dealt with all that was sent.
  for (let quick = 0; quick < 5; ) {
    quick = (await timed(() => overHttp(http, "127.0.0.3"))).ms < 50 ? quick + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
printTable(
  `Answers to good senders beside an attack from one address, medians of ${rounds}; the aim is ${targetMs} ms`,
  rows,
);
await collector.stop();
process.exit(0);
