import { z } from "zod";
import { duration } from "../../config/units.ts";
import { checkServer, serverOptions } from "../../serving/server-options.ts";

const mebibyte = 1024 * 1024;
/** As in the Collector, 0 stands for the default. */
const defaultMessageMiB = 4;
const defaultStreams = 100;

const serverParameters = z
  .strictObject({
    max_connection_idle: duration()
      .optional()
      .describe(
        "A connection without a call for this long is closed. Without it, or with 0s, never.",
      ),
    max_connection_age: duration()
      .optional()
      .describe(
        "A connection is closed after this time, give or take a tenth, so that senders spread over several collectors. Without it, or with 0s, never.",
      ),
    max_connection_age_grace: duration()
      .optional()
      .describe(
        "How long the calls on a connection that is too old may still take. Without it, or with 0s, as long as they need.",
      ),
    time: duration({ min: "1s", max: "576h" })
      .prefault("2h")
      .describe("A connection without traffic for this long is pinged."),
    timeout: duration({ min: "1ms", max: "576h" })
      .prefault("20s")
      .describe("A connection whose ping is not answered within this time is closed."),
  })
  .prefault({})
  .describe("When connections are pinged and closed.");

const enforcementPolicy = z
  .strictObject({
    min_time: duration()
      .prefault("5m")
      .describe("A sender that pings more often than this is disconnected."),
    permit_without_stream: z
      .boolean()
      .prefault(false)
      .describe("Whether a sender may ping while it makes no call."),
  })
  .prefault({})
  .describe("How often senders may ping.");

/** `protocols.grpc`. */
export const grpcSchema = z
  .strictObject({
    ...serverOptions("127.0.0.1:4317", "The address to listen on."),
    max_recv_msg_size_mib: z
      .int()
      .min(0)
      .max(1024)
      .prefault(defaultMessageMiB)
      .describe(
        `The largest message in MiB, both as sent and after decompression; 0 is ${defaultMessageMiB}.`,
      ),
    max_concurrent_streams: z
      .int()
      .min(0)
      .max(10_000)
      .prefault(defaultStreams)
      .describe(
        `How many calls a connection may have at a time; further ones wait at the sender. 0 is ${defaultStreams}.`,
      ),
    keepalive: z
      .strictObject({
        server_parameters: serverParameters,
        enforcement_policy: enforcementPolicy,
      })
      .prefault({})
      .describe("How long connections live, and how they are watched."),
  })
  .check(checkServer);

export type GrpcConfig = z.output<typeof grpcSchema>;

/** The largest message that is wanted, in bytes. */
export function wantedMessageBytes({ max_recv_msg_size_mib }: GrpcConfig): number {
  return (max_recv_msg_size_mib || defaultMessageMiB) * mebibyte;
}

/** The options of the server for this section. */
export function serverOptionsOf({ keepalive, max_concurrent_streams }: GrpcConfig) {
  const { server_parameters: server, enforcement_policy: policy } = keepalive;
  return {
    maxConcurrentStreams: max_concurrent_streams || defaultStreams,
    keepalive: {
      maxIdleMs: server.max_connection_idle || undefined,
      maxAgeMs: server.max_connection_age || undefined,
      maxAgeGraceMs: server.max_connection_age_grace || undefined,
      pingAfterMs: server.time,
      pingTimeoutMs: server.timeout,
      minPingIntervalMs: policy.min_time,
      isPingAllowedWithoutStream: policy.permit_without_stream,
    },
  };
}
