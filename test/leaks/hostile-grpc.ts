import type { OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { framed, grpcHeaders, rawCall, rawSession } from "../receivers/otlp/grpc-client.ts";
import type { CanaryMint } from "./canary-mint.ts";

interface RawCall {
  readonly what: string;
  readonly headers: OutgoingHttpHeaders;
  readonly pieces: readonly Uint8Array[];
}

/** Every place of a call of gRPC that a client chooses, each with a canary. */
function rawCalls(mint: CanaryMint): readonly RawCall[] {
  const text = (origin: string) => mint.plain(`gRPC, ${origin}`);
  const call = (
    what: string,
    headers: OutgoingHttpHeaders = {},
    pieces: readonly Uint8Array[] = [framed(new Uint8Array(0))],
  ): RawCall => ({ what: `gRPC, ${what}`, headers: grpcHeaders(headers), pieces });
  return [
    ...[
      "authorization",
      "cookie",
      "user-agent",
      "traceparent",
      "tracestate",
      "baggage",
      "x-custom",
      "grpc-accept-encoding",
      "grpc-encoding",
      "grpc-timeout",
      "grpc-tags-bin",
      "content-type",
      "te",
      "accept-encoding",
    ].map((name) => call(`metadata ${name}`, { [name]: text(`metadata ${name}`) })),
    call("a metadata key", { [`x-${text("metadata key")}`]: "1" }),
    call("binary metadata", { "x-id-bin": Buffer.from(text("metadata")).toString("base64") }),
    call("path", { ":path": `/${text("path")}` }),
    call("service", { ":path": `/opentelemetry.proto.${text("service")}/Export` }),
    call("method", {
      ":path": `/opentelemetry.proto.collector.trace.v1.TraceService/${text("method")}`,
    }),
    call("authority", { ":authority": `${text("authority")}.example:4317` }),
    call("scheme", { ":scheme": text("scheme") }),
    call("HTTP method", { ":method": "PUT", "x-a": text("metadata") }),
    call("GET", { ":method": "GET", ":path": `/v1/traces?${text("query")}` }, []),
    call("a type with a parameter", {
      "content-type": `application/grpc+proto; a=${text("type")}`,
    }),
    call("text for a message", {}, [framed(Buffer.from(text("message")))]),
    call("no frame", {}, [Buffer.from(text("frame"))]),
    call("a frame that breaks off", {}, [framed(Buffer.from(text("frame"))).subarray(0, 12)]),
    call("an unknown flag", {}, [framed(Buffer.from(text("message")), 9)]),
    call("compressed text", { "grpc-encoding": "gzip" }, [framed(gzipSync(text("message")), 1)]),
    call("text as if compressed", { "grpc-encoding": "gzip" }, [
      framed(Buffer.from(text("message")), 1),
    ]),
    call("an encoding", { "grpc-encoding": text("encoding") }, [
      framed(Buffer.from(text("message")), 1),
    ]),
    call("two messages", {}, [
      framed(Buffer.from(text("message"))),
      framed(Buffer.from(text("message"))),
    ]),
    call("wrong credentials", { authorization: `Bearer ${text("token")}` }),
    call("a wrong password", {
      authorization: `Basic ${Buffer.from(`${text("user")}:${text("password")}`).toString("base64")}`,
    }),
  ];
}

/** Makes the calls, and resolves to all that was answered. */
export async function callAll(mint: CanaryMint, port: number): Promise<readonly Buffer[]> {
  const answers: Buffer[] = [];
  for (const { what, headers, pieces } of rawCalls(mint)) {
    const session = rawSession(port);
    try {
      const { stream, answer } = rawCall(session, pieces, { headers });
      const timer = setTimeout(() => stream.destroy(), 1_500);
      const { head, trailers, body } = await answer;
      clearTimeout(timer);
      answers.push(Buffer.from(`${what}\n${JSON.stringify([head, trailers])}\n`), body);
    } catch {
      // The client itself refuses to send it.
    } finally {
      session.destroy();
    }
  }
  return answers;
}
