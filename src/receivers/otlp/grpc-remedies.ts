import { guardRemedies } from "../../serving/guard.ts";
import { connectionsRemedy, handshakeRemedy, plaintextRemedy } from "../../serving/page-server.ts";
import { acceptedEncodings, grpcPaths } from "./grpc-route.ts";
import type { Remedy } from "./misdirected-senders.ts";
import { busyRemedy, tooComplexRemedy } from "./request-handler.ts";
import type { Reason } from "./request-instruments.ts";

/** What an operator is to change when calls at the gRPC port are refused with a reason; undefined if nothing is wrong with the sender. */
export function grpcRemedyOf(
  reason: Reason<"grpc">,
  { maxBytes, message }: { readonly maxBytes: number; readonly message: string | undefined },
): Remedy | undefined {
  switch (reason) {
    case "unknown_path":
      return {
        message:
          "A call was refused because OTLP/gRPC has no such service and method. Check that the sender is an exporter of OTLP/gRPC, of traces, metrics or logs.",
        fields: { methods: grpcPaths },
      };
    case "no_pipeline":
      return {
        message:
          "A call was refused because no pipeline receives its signal from this receiver. Name the receiver in a pipeline of that signal, or switch the signal off in the sender, e.g. with OTEL_METRICS_EXPORTER=none.",
        fields: { detail: message },
      };
    case "method":
    case "content_type":
      return {
        message:
          "A request of HTTP/2 to the port of OTLP/gRPC was refused because it is not a call of gRPC. Send OTLP/HTTP to the port of protocols.http, usually 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc.",
      };
    case "content_encoding":
      return {
        message:
          "A call was refused because of its compression. Set OTEL_EXPORTER_OTLP_COMPRESSION of the sender to gzip or none.",
        fields: { encodings: acceptedEncodings.split(",") },
      };
    case "too_large":
      return {
        message:
          "A call was refused because its message is too large. Let the sender send smaller batches, e.g. with OTEL_BSP_MAX_EXPORT_BATCH_SIZE, or raise max_recv_msg_size_mib and the memory limit.",
        fields: { max_bytes: maxBytes },
      };
    case "malformed_grpc":
    case "message_count":
      return {
        message:
          "A call was refused because it is not a whole call of gRPC with one message. If the sender is an exporter of OTLP/gRPC, it gave up half-way, or something between it and this port cuts or changes calls.",
        fields: { detail: message },
      };
    case "malformed_http":
      return {
        message:
          "A connection to the port of OTLP/gRPC was closed because what arrived is not HTTP/2, or more frames than calls need. Check what connects to the port.",
      };
    case "too_complex":
      return { message: tooComplexRemedy, fields: { detail: message } };
    case "undecodable":
      return {
        message:
          "A call was refused because its message cannot be decoded. Check that the sender is an exporter of OTLP/gRPC and that nothing on the way changes the message.",
        fields: { detail: message },
      };
    case "unexpected_http1":
      return {
        message:
          "A sender speaks HTTP/1.1, probably OTLP/HTTP, to the port of OTLP/gRPC. Set its endpoint to the port of protocols.http, usually 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc.",
      };
    case "unexpected_tls":
      return {
        message:
          "A sender speaks TLS to a port without TLS. Write http:// instead of https:// in its endpoint or set OTEL_EXPORTER_OTLP_INSECURE=true, or configure tls for the port.",
      };
    case "flood":
      return {
        message:
          "A connection of gRPC was closed because its client sent more pings, settings or resets than calls need. Let the sender's keepalive ping less often, or change keepalive.enforcement_policy.",
      };
    case "unexpected_plaintext":
      return { message: plaintextRemedy };
    case "tls_handshake":
      return { message: handshakeRemedy, fields: { detail: message } };
    case "busy":
      return { message: busyRemedy, fields: { detail: message } };
    case "too_many_connections":
      return { message: connectionsRemedy };
    case "unknown_host":
    case "unauthenticated":
      return { message: guardRemedies[reason] };
    case "fault":
    case "pipeline_refused":
    case "headers_too_large":
    case "timeout":
    case "disconnected":
      return undefined;
    default: {
      const never: never = reason;
      return never;
    }
  }
}
