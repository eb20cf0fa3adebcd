import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { connect as connectTls } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { rawSocket } from "../../net/raw-socket.ts";
import { deferred } from "../../support/deferred.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import {
  callGrpc,
  exportPath,
  framed,
  grpcHeaders,
  grpcStatusOf,
  rawCall,
  rawSession,
} from "./grpc-client.ts";
import { flags, headerBlock, hello, http2Frame, reset, settingsAck } from "./http2-frames.ts";
import { closeReceivers, type OpenOptions, openReceiver } from "./open-receiver.ts";
import { oneItem, requestOfSize, textBytes } from "./otlp-requests.ts";
import { post, typed } from "./post.ts";

const sessions: ClientHttp2Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.destroy();
  }
  await closeReceivers();
});

const trace = oneItem("traces", "protobuf");
const mebibyte = 1024 * 1024;

const open = (options: OpenOptions = {}) => openReceiver({ grpc: {}, ...options });

function sessionTo({ grpcPort }: { readonly grpcPort: number }): ClientHttp2Session {
  const session = rawSession(grpcPort);
  sessions.push(session);
  return session;
}

/** Resolves when the server has seen what was sent on the connection before. */
async function roundTrip(session: ClientHttp2Session): Promise<void> {
  if (session.connecting) {
    await once(session, "connect");
  }
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}

async function goAwayOf(session: ClientHttp2Session): Promise<{ code: number; text: string }> {
  const [code, , data] = await once(session, "goaway");
  return { code, text: String(data ?? "") };
}

describe("a client that leaves", () => {
  for (const [what, code] of [
    ["cancels", 8],
    ["resets without an error", 0],
  ] as const) {
    test(`and ${what} in the middle of its call is counted, and no pipeline gets anything`, async () => {
      const receiver = await open();
      const socket = await rawSocket(receiver.grpcPort);
      socket.send(hello);
      socket.send(http2Frame("headers", flags.endHeaders, 1, headerBlock(exportPath("traces"))));
      // A whole message, but not the end of the call: a second one may follow.
      socket.send(http2Frame("data", flags.none, 1, framed(trace)));
      socket.send(reset(1, code));
      await expect.poll(() => receiver.refused("grpc")).toEqual({ disconnected: 1 });
      expect(receiver.payloads).toEqual([]);
      socket.destroy();
    });
  }

  test("with its connection in the middle of a message is counted", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    rawCall(session, [framed(trace).subarray(0, -1)], { isOpen: true });
    await roundTrip(session);
    session.destroy();
    await expect.poll(() => receiver.refused("grpc")).toEqual({ disconnected: 1 });
  });

  test("while the pipeline works on its data aborts the payload's sender, and counts nothing", async () => {
    const receiver = await open({ consume: () => new Promise(() => {}) });
    const abort = new AbortController();
    const call = callGrpc(receiver.grpcPort, "traces", trace, { abort: abort.signal });
    await expect.poll(() => receiver.payloads.length).toBe(1);
    expect(receiver.payloads[0]?.sender?.aborted).toBe(false);
    abort.abort();
    expect((await call).code).toBe(1);
    await expect.poll(() => receiver.payloads[0]?.sender?.aborted).toBe(true);
    expect(await receiver.refused("grpc")).toEqual({});
  });

  test("after its answer has not left", async () => {
    const receiver = await open();
    expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
    expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
    expect(receiver.payloads[0]?.sender?.aborted).toBe(false);
  });
});

describe("time", () => {
  test("a deadline that passes while the pipeline works counts as left, and the late result is no answer", async () => {
    const answered = deferred<ConsumeResult>();
    const receiver = await open({ consume: () => answered.promise });
    const headers = grpcHeaders({ "grpc-timeout": "5S" });
    const { answer } = rawCall(sessionTo(receiver), [framed(trace)], { headers });
    await expect.poll(() => receiver.payloads.length).toBe(1);
    receiver.clock.advance(4_999);
    expect(receiver.payloads[0]?.sender?.aborted).toBe(false);
    receiver.clock.advance(1);
    expect(receiver.payloads[0]?.sender?.aborted).toBe(true);
    expect(grpcStatusOf(await answer)).toBe("4");
    answered.resolve(accepted);
    expect(await receiver.refused("grpc")).toEqual({});
  });

  for (const [what, headers, waitMs] of [
    ["a message that does not arrive in a minute", {}, 60_000],
    ["a message that does not arrive before its deadline", { "grpc-timeout": "100m" }, 100],
  ] as const) {
    test(`${what} is given up and counted`, async () => {
      const receiver = await open();
      const session = sessionTo(receiver);
      const half = [framed(trace).subarray(0, -1)];
      const { answer } = rawCall(session, half, { headers: grpcHeaders(headers), isOpen: true });
      await roundTrip(session);
      receiver.clock.advance(waitMs - 1);
      expect(await receiver.refused("grpc")).toEqual({});
      receiver.clock.advance(1);
      expect(grpcStatusOf(await answer)).toBe("4");
      expect(await receiver.refused("grpc")).toEqual({ timeout: 1 });
    });
  }

  test("a client that does not take its answer is cut after a minute", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    await once(session, "remoteSettings");
    session.settings({ initialWindowSize: 0 });
    await once(session, "localSettings");
    const { answer } = rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(1);
    await roundTrip(session);
    receiver.clock.advance(60_000);
    expect((await answer).rstCode).toBe(8);
  });

  test("a connection that says nothing, or too little, is closed after 15 s", async () => {
    const receiver = await open();
    const socket = await rawSocket(receiver.grpcPort);
    socket.send("PRI * HT");
    // The server has accepted that one when it answers on a later one.
    await callGrpc(receiver.grpcPort, "traces", trace);
    receiver.clock.advance(15_000);
    expect(await socket.closed()).toBe("");
    expect(await receiver.refused("grpc")).toEqual({ timeout: 1 });
  });

  test("an idle connection is told to leave after max_connection_idle, and one with a call is not", async () => {
    const answered = deferred<ConsumeResult>();
    const receiver = await open({
      grpc: { keepalive: { server_parameters: { max_connection_idle: "30s" } } },
      consume: () => answered.promise,
    });
    const session = sessionTo(receiver);
    const { answer } = rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(1);
    const left = goAwayOf(session);
    receiver.clock.advance(100_000);
    await roundTrip(session);
    answered.resolve(accepted);
    expect(grpcStatusOf(await answer)).toBe("0");
    await roundTrip(session);
    receiver.clock.advance(60_000);
    expect((await left).code).toBe(0);
  });

  test("an old connection is told to leave, may end its calls, and is cut after the grace", async () => {
    const receiver = await open({
      grpc: {
        keepalive: {
          server_parameters: { max_connection_age: "60s", max_connection_age_grace: "10s" },
        },
      },
      consume: () => new Promise(() => {}),
    });
    const session = sessionTo(receiver);
    const { answer } = rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(1);
    const left = goAwayOf(session);
    receiver.clock.advance(60_000);
    expect((await left).code).toBe(0);
    expect(session.destroyed).toBe(false);
    receiver.clock.advance(10_000);
    expect(grpcStatusOf(await answer)).toBe("14");
    await once(session, "close");
  });

  test("a silent connection is pinged, and cut when the ping is not answered", async () => {
    const receiver = await open({
      grpc: { keepalive: { server_parameters: { time: "10s", timeout: "5s" } } },
    });
    const socket = await rawSocket(receiver.grpcPort);
    // The preface and empty settings, and then nothing: not even the answer to a ping.
    socket.send(hello);
    const ping = http2Frame("ping", 0, 0, Buffer.alloc(8)).toString("latin1").slice(0, 9);
    await socket.heard(settingsAck);
    receiver.clock.advance(10_000);
    await socket.heard(ping);
    receiver.clock.advance(5_000);
    expect(await socket.closed()).toContain(ping);
  });
});

test("calls and connections that have ended leave no timer", async () => {
  const receiver = await open({
    grpc: { keepalive: { server_parameters: { max_connection_idle: "1h" } } },
  });
  const before = receiver.clock.pendingTimers;
  const session = sessionTo(receiver);
  const headers = grpcHeaders({ "grpc-timeout": "5S" });
  for (const message of [framed(trace), framed(trace).subarray(1)]) {
    await rawCall(session, [message], { headers }).answer;
  }
  rawCall(session, [framed(trace).subarray(1)], { headers, isOpen: true });
  await roundTrip(session);
  expect(receiver.clock.pendingTimers).toBeGreaterThan(before);
  session.destroy();
  await expect.poll(() => receiver.clock.pendingTimers).toBe(before);
});

describe("misdirected clients", () => {
  test("a client of HTTP/1.1 is told where to send, also while it sends, and shows in the log", async () => {
    const receiver = await open();
    const url = `http://127.0.0.1:${receiver.grpcPort}/v1/traces`;
    const { status, body } = await post(url, new Uint8Array(3 * mebibyte), typed("protobuf"));
    expect([status, String(Buffer.from(body))]).toEqual([400, expect.stringMatching(/4318/)]);
    expect(await receiver.refused("grpc")).toEqual({ unexpected_http1: 1 });
    expect(receiver.lines.at(-1)).toMatchObject({
      level: "warn",
      message: expect.stringMatching(/HTTP\/1\.1.*4318.*OTEL_EXPORTER_OTLP_PROTOCOL=grpc/),
    });
  });

  test("a client of TLS sees that the port has none, and shows in the log", async () => {
    const receiver = await open();
    const socket = connectTls({ host: "127.0.0.1", port: receiver.grpcPort });
    const [error] = await once(socket, "error").catch((each: unknown) => [each]);
    expect(error).toMatchObject({ code: expect.stringMatching(/WRONG_VERSION|PACKET_LENGTH/) });
    expect(await receiver.refused("grpc")).toEqual({ unexpected_tls: 1 });
    expect(receiver.lines.at(-1)?.message).toMatch(/OTEL_EXPORTER_OTLP_INSECURE/);
  });

  test("what is neither HTTP nor TLS is closed and counted", async () => {
    const receiver = await open();
    const socket = await rawSocket(receiver.grpcPort);
    socket.send(Uint8Array.of(0, 1, 2));
    expect(await socket.closed()).toBe("");
    expect(await receiver.refused("grpc")).toEqual({ malformed_http: 1 });
  });
});

describe("limits", () => {
  test("HTTP and gRPC share what bodies may take", async () => {
    const answers: (() => void)[] = [];
    const receiver = await open({
      memory: fakeMemory({ limitMiB: 12 }),
      consume: () => new Promise((resolve) => answers.push(() => resolve(accepted))),
    });
    for (const session of [sessionTo(receiver), sessionTo(receiver)]) {
      rawCall(session, [framed(requestOfSize(mebibyte * 0.8))]);
    }
    await expect.poll(() => answers.length).toBe(2);
    const body = new Uint8Array(mebibyte * 0.5);
    const postBody = () => post(`${receiver.url}/v1/traces`, body, typed("protobuf"));
    expect((await postBody()).status).toBe(503);
    expect(await receiver.refused("http")).toEqual({ busy: 1 });
    const { head } = await rawCall(sessionTo(receiver), [framed(body)]).answer;
    expect([head?.["grpc-status"], head?.["grpc-status-details-bin"]]).toEqual([
      "14",
      expect.any(String),
    ]);
    for (const answer of answers) {
      answer();
    }
    // All of it is given back.
    await expect.poll(async () => (await postBody()).status).toBe(400);
  });

  test("a body that has stalled makes room for others, over both transports, and shows in the log", async () => {
    const receiver = await open({ memory: fakeMemory({ limitMiB: 12 }) });
    const large = () =>
      post(`${receiver.url}/v1/traces`, new Uint8Array(mebibyte), typed("protobuf"));
    /** All but the end of a body. It is another try when the server has read the other body first, and refuses this one. */
    const stop = async () => {
      const socket = await rawSocket(receiver.port);
      socket.send(
        `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${mebibyte}\r\n\r\n`,
      );
      socket.send(new Uint8Array(mebibyte * 0.9));
      for (let index = 0; index < 20; index++) {
        await post(receiver.url, new Uint8Array(0), typed("protobuf"));
      }
      if ((await large()).status === 503) {
        return socket;
      }
      socket.destroy();
      return undefined;
    };
    let slow = await stop();
    while (slow === undefined) {
      slow = await stop();
    }
    expect(receiver.lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/too many are in progress/),
    );
    const prefix = Buffer.from([0, 0, 0x0f, 0xff, 0xff]);
    const begin = async (length: number) => {
      const session = sessionTo(receiver);
      const begun = rawCall(session, [prefix, new Uint8Array(length)], { isOpen: true });
      // The client waits for permission to send more than HTTP/2's first 64 KiB.
      await expect.poll(() => begun.stream.writableLength).toBe(0);
      await roundTrip(session);
      return begun;
    };
    const stuck = await begin(mebibyte * 0.7);
    receiver.clock.advance(5_000);
    // The larger one of the two makes room first, and then there is enough.
    expect((await large()).status).toBe(400);
    expect(await slow.closed()).toMatch(/^HTTP\/1.1 503 .*arrived slowly/s);
    await begin(mebibyte * 0.5);
    const whole = () => rawCall(sessionTo(receiver), [framed(new Uint8Array(mebibyte))], {}).answer;
    expect(grpcStatusOf(await whole())).toBe("3");
    expect(grpcStatusOf(await stuck.answer)).toBe("14");
  });

  test("calls without a message, however many on few connections, leave a place to a sender", async () => {
    const receiver = await open();
    const silent: Promise<unknown>[] = [];
    for (let connection = 0; connection < 10; connection++) {
      const session = sessionTo(receiver);
      session.setMaxListeners(200);
      silent.push(
        ...Array.from({ length: 100 }, () => rawCall(session, [], { isOpen: true }).answer),
      );
      await roundTrip(session);
    }
    expect((await receiver.refused("grpc"))["busy"]).toBeGreaterThan(40);
    expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
  });

  test("a message that can never fit into the memory limit is too large, with a warning at the start", async () => {
    const receiver = await open({ memory: fakeMemory({ limitMiB: 12 }) });
    expect(receiver.lines).toContainEqual({
      level: "warn",
      message: expect.stringMatching(/max_recv_msg_size_mib does not fit/),
      fields: { max_recv_msg_size: 4 * mebibyte, fitting: mebibyte },
    });
    const { code } = await callGrpc(receiver.grpcPort, "traces", new Uint8Array(1.1 * mebibyte));
    expect(code).toBe(8);
  });

  test("messages that are refused after they were read give their bytes back", async () => {
    const receiver = await open({ memory: fakeMemory({ limitMiB: 12 }) });
    const session = sessionTo(receiver);
    for (let index = 0; index < 5; index++) {
      const compressed = framed(new Uint8Array(0.9 * mebibyte), 1);
      expect(grpcStatusOf(await rawCall(session, [compressed]).answer)).toBe("13");
    }
  });

  test("of 1000 calls at a time, a connection gets half, and asks again for more than that", async () => {
    const answers: (() => void)[] = [];
    const receiver = await open({
      grpc: { max_concurrent_streams: 1000 },
      consume: () => new Promise((resolve) => answers.push(() => resolve(accepted))),
    });
    const session = sessionTo(receiver);
    session.setMaxListeners(1000);
    const calls = Array.from({ length: 500 }, () => rawCall(session, [framed(trace)]));
    await expect.poll(() => receiver.payloads.length, { timeout: 10_000 }).toBe(500);
    expect(await receiver.refused("grpc")).toEqual({});
    expect(grpcStatusOf(await rawCall(session, [framed(trace)]).answer)).toBe("14");
    expect(await receiver.refused("grpc")).toEqual({ busy: 1 });
    void rawCall(sessionTo(receiver), [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(501);
    for (const { stream } of calls.slice(0, 2)) {
      stream.close(8);
    }
    await expect.poll(() => receiver.payloads[1]?.sender?.aborted).toBe(true);
    // The pipeline still works for them.
    expect(grpcStatusOf(await rawCall(session, [framed(trace)]).answer)).toBe("14");
    for (const answer of answers.slice(0, 2)) {
      answer();
    }
    await new Promise((resolve) => setImmediate(resolve));
    void rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(502);
  });

  test("while the pipelines refuse everything, the message is not read", async () => {
    const receiver = await open({ refusal: () => ({ status: "retryable", message: "Full." }) });
    const { answer } = rawCall(sessionTo(receiver), [], { isOpen: true });
    expect(grpcStatusOf(await answer)).toBe("14");
    expect(await receiver.refused("grpc")).toEqual({ pipeline_refused: 1 });
  });

  test("a connection has as many calls at a time as max_concurrent_streams says; others wait", async () => {
    const answers: (() => void)[] = [];
    const receiver = await open({
      grpc: { max_concurrent_streams: 2 },
      consume: () => new Promise((resolve) => answers.push(() => resolve(accepted))),
    });
    const session = sessionTo(receiver);
    const [settings] = await once(session, "remoteSettings");
    expect(settings.maxConcurrentStreams).toBe(2);
    const calls = Array.from({ length: 5 }, () => rawCall(session, [framed(trace)]).answer);
    for (let taken = 0; taken < 5; taken++) {
      await expect.poll(() => answers.length).toBeGreaterThan(taken);
      expect(answers.length - taken).toBeLessThanOrEqual(2);
      answers[taken]?.();
    }
    expect((await Promise.all(calls)).map(grpcStatusOf)).toEqual(["0", "0", "0", "0", "0"]);
  });
});

describe("floods", () => {
  test("too many pings end the connection as in gRPC for Go", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    const left = goAwayOf(session);
    await once(session, "connect");
    for (let index = 0; index < 10; index++) {
      session.ping(() => {});
    }
    expect(await left).toEqual({ code: 11, text: "too_many_pings" });
    expect(await receiver.refused("grpc")).toEqual({ flood: 1 });
    expect(receiver.lines.at(-1)?.message).toMatch(/keepalive ping less often/);
  });

  test("too many settings end the connection, also when each is waited for", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    const left = goAwayOf(session);
    await once(session, "connect");
    const change = async () => {
      for (let index = 0; index < 110 && !session.destroyed; index++) {
        session.settings({ maxConcurrentStreams: 100 + index });
        await once(session, "localSettings").catch(() => {});
      }
    };
    await change();
    expect(await left).toEqual({ code: 11, text: "too_many_settings" });
    expect(await receiver.refused("grpc")).toEqual({ flood: 1 });
  });

  test("a ping with each call is none too many", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    for (let index = 0; index < 10; index++) {
      expect(grpcStatusOf(await rawCall(session, [framed(trace)]).answer)).toBe("0");
      await roundTrip(session);
    }
    expect(await receiver.refused("grpc")).toEqual({});
  });

  test("pings as often as min_time allows, without a call if that is permitted, are taken", async () => {
    const receiver = await open({
      grpc: {
        keepalive: { enforcement_policy: { min_time: "10s", permit_without_stream: true } },
      },
    });
    const session = sessionTo(receiver);
    for (let index = 0; index < 10; index++) {
      receiver.clock.advance(10_000);
      await roundTrip(session);
    }
    expect(await receiver.refused("grpc")).toEqual({});
  });

  for (const [what, reason, flood] of [
    ["settings", "flood", Buffer.concat(Array(20_000).fill(http2Frame("settings", 0, 0)))],
    [
      "calls that are reset at once",
      "flood",
      Buffer.concat(
        Array.from({ length: 20_000 }, (_, index) =>
          Buffer.concat([
            http2Frame(
              "headers",
              flags.endHeaders | flags.endStream,
              index * 2 + 1,
              headerBlock("/x"),
            ),
            reset(index * 2 + 1, 8),
          ]),
        ),
      ),
    ],
    [
      "headers that never end",
      "flood",
      Buffer.concat([
        http2Frame("headers", flags.endStream, 1, headerBlock("/x")),
        ...Array(5_000).fill(
          http2Frame("continuation", flags.none, 1, Buffer.from([0, 1, 0x61, 1, 0x62])),
        ),
      ]),
    ],
    [
      "a frame that is too large",
      "malformed_http",
      http2Frame("data", flags.none, 1, Buffer.alloc(20_000)),
    ],
    [
      "calls that never have a message, more than are allowed",
      "flood",
      Buffer.concat(
        Array.from({ length: 2_000 }, (_, index) =>
          http2Frame("headers", flags.endHeaders, 2 * index + 1, headerBlock(exportPath("traces"))),
        ),
      ),
    ],
    [
      "data on no call",
      "malformed_http",
      Buffer.concat(Array(5_000).fill(http2Frame("data", flags.none, 1))),
    ],
  ] as const) {
    test(`a flood of ${what} ends its connection, is counted, and others are served`, async () => {
      const receiver = await open();
      const socket = await rawSocket(receiver.grpcPort);
      socket.send(hello);
      await socket.heard(settingsAck);
      socket.send(flood);
      await socket.closed();
      const { flood: floods, malformed_http } = await receiver.refused("grpc");
      expect({ floods, malformed_http }).toEqual({
        floods: reason === "flood" ? 1 : undefined,
        malformed_http: reason === "flood" ? undefined : 1,
      });
      expect(receiver.lines).toContainEqual(
        expect.objectContaining({
          level: "warn",
          message: expect.stringMatching(/more (pings|frames)/),
        }),
      );
      expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
    });
  }
});

describe("stopping", () => {
  const never = new AbortController().signal;

  test("calls in flight are answered, the client is told to leave, and stopping twice is safe", async () => {
    const answered = deferred<ConsumeResult>();
    const receiver = await open({ consume: () => answered.promise });
    const session = sessionTo(receiver);
    const { answer } = rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(1);
    const left = goAwayOf(session);
    const stopped = receiver.component.shutdown(never);
    expect((await left).code).toBe(0);
    answered.resolve(accepted);
    expect(grpcStatusOf(await answer)).toBe("0");
    await stopped;
    await receiver.component.shutdown(never);
  });

  test("a client that sends nothing more of its message for a second is cut, and counted", async () => {
    const receiver = await open();
    const session = sessionTo(receiver);
    const { answer } = rawCall(session, [framed(trace).subarray(0, 9)], { isOpen: true });
    await roundTrip(session);
    await receiver.component.shutdown(never);
    expect(grpcStatusOf(await answer)).toBe("14");
    expect(await receiver.refused("grpc")).toEqual({ disconnected: 1 });
  });

  test("connections without a call do not hold it up, whatever they have said", async () => {
    const receiver = await open();
    const silent = await rawSocket(receiver.grpcPort);
    const half = await rawSocket(receiver.grpcPort);
    half.send("PRI");
    await roundTrip(sessionTo(receiver));
    await receiver.component.shutdown(never);
    expect([await silent.closed(), await half.closed()]).toEqual(["", ""]);
  });

  test("at the deadline everything is cut, and clients that still wait learn that they may try again", async () => {
    const receiver = await open({ consume: () => new Promise(() => {}) });
    const calls = ["traces", "metrics", "logs"] as const;
    const answers = calls.map((signal) =>
      callGrpc(receiver.grpcPort, signal, oneItem(signal, "protobuf")),
    );
    const half = rawCall(sessionTo(receiver), [framed(trace).subarray(0, 9)], { isOpen: true });
    const posted = post(`${receiver.url}/v1/traces`, trace, typed("protobuf"));
    await expect.poll(() => receiver.payloads.length).toBe(4);
    const deadline = new AbortController();
    const stopped = receiver.component.shutdown(deadline.signal);
    deadline.abort();
    await stopped;
    expect((await Promise.all(answers)).map(({ code }) => code)).toEqual([14, 14, 14]);
    expect(grpcStatusOf(await half.answer)).toBe("14");
    const { status, headers } = await posted;
    expect([status, headers["retry-after"]]).toEqual([503, "1"]);
    expect(receiver.payloads.map(({ sender }) => sender?.aborted)).toEqual(Array(4).fill(true));
    expect(await receiver.refused("grpc")).toEqual({ disconnected: 1 });
    expect(receiver.lines.filter(({ level }) => level !== "info")).toEqual([]);
  });

  test("a client that takes no answer does not hold up the deadline", async () => {
    const receiver = await open({ consume: () => new Promise(() => {}) });
    const session = sessionTo(receiver);
    await once(session, "remoteSettings");
    session.settings({ initialWindowSize: 0 });
    await once(session, "localSettings");
    const { answer } = rawCall(session, [framed(trace)]);
    await expect.poll(() => receiver.payloads.length).toBe(1);
    await receiver.component.shutdown(AbortSignal.abort());
    expect(grpcStatusOf(await answer)).toBe("14");
  });

  test("a port that is taken is an error, and the other port is closed again", async () => {
    const first = await open();
    await expect(open({ grpc: { endpoint: `127.0.0.1:${first.grpcPort}` } })).rejects.toThrow(
      /Cannot listen on 127\.0\.0\.1:\d+: the address is already in use/,
    );
  });
});

test("garbage on a connection of HTTP/2 is survived", async () => {
  const receiver = await open();
  const socket = await rawSocket(receiver.grpcPort);
  socket.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.send(textBytes("and now for something completely different"));
  await socket.closed();
  expect(await receiver.refused("grpc")).toEqual({ malformed_http: 1 });
  expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
});
