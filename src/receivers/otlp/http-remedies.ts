import { guardRemedies } from "../../serving/guard.ts";
import {
  connectionsRemedy,
  floodRemedy,
  handshakeRemedy,
  plaintextRemedy,
  unreadRemedy,
} from "../../serving/page-server.ts";
import type { HttpConfig } from "./config.ts";
import type { Remedy } from "./misdirected-senders.ts";
import { busyRemedy, tooComplexRemedy } from "./request-handler.ts";
import type { Reason } from "./request-instruments.ts";

/** What an operator is to change when requests to the HTTP port are refused with a reason; undefined if nothing is wrong with the sender. */
export function httpRemedyOf(
  reason: Reason<"http">,
  config: HttpConfig,
  { maxBytes, message }: { readonly maxBytes: number; readonly message: string | undefined },
): Remedy | undefined {
  switch (reason) {
    case "unknown_path":
      return {
        message:
          "A request was refused because OTLP has no endpoint at its path. Set OTEL_EXPORTER_OTLP_ENDPOINT of the sender to the address without a path, or the endpoint of one signal to the path of that signal.",
        fields: {
          paths: [config.traces_url_path, config.metrics_url_path, config.logs_url_path],
        },
      };
    case "no_pipeline":
      return {
        message:
          "A request was refused because no pipeline receives its signal from this receiver. Name the receiver in a pipeline of that signal, or switch the signal off in the sender, e.g. with OTEL_METRICS_EXPORTER=none.",
        fields: { detail: message },
      };
    case "method":
      return {
        message:
          "A request to a path of OTLP was refused because its method is not POST. Check what sends it: exporters of OTLP use POST, and health checks have a port of their own.",
      };
    case "content_type":
      return {
        message:
          "A request was refused because of its media type. Set OTEL_EXPORTER_OTLP_PROTOCOL of the sender to http/protobuf or http/json.",
        fields: { media_types: ["application/x-protobuf", "application/json"] },
      };
    case "content_encoding":
      return {
        message:
          "A request was refused because of its compression. Set OTEL_EXPORTER_OTLP_COMPRESSION of the sender to gzip or none. If its compression is zstd, zlib or deflate, you may add it to compression_algorithms instead.",
        fields: {
          compression_algorithms: config.compression_algorithms.map((name) => name || "none"),
        },
      };
    case "too_large":
      return {
        message:
          "A request was refused because its body is too large. Let the sender send smaller batches, e.g. with OTEL_BSP_MAX_EXPORT_BATCH_SIZE, or protobuf instead of JSON, or raise max_request_body_size and the memory limit.",
        fields: { max_bytes: maxBytes, detail: message },
      };
    case "too_complex":
      return { message: tooComplexRemedy, fields: { detail: message } };
    case "undecodable":
      return {
        message:
          "A request was refused because its body cannot be decoded. Check that the sender speaks OTLP and that nothing on the way changes the body.",
        fields: { detail: message },
      };
    case "unexpected_http2":
      return {
        message:
          "A sender speaks HTTP/2, probably OTLP/gRPC, to the port of OTLP/HTTP. Set its endpoint to the port of protocols.grpc, usually 4317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
      };
    case "unexpected_tls":
      return {
        message:
          "A sender speaks TLS to a port without TLS. Write http:// instead of https:// in its endpoint, or configure tls for the port.",
      };
    case "unexpected_plaintext":
      return { message: plaintextRemedy };
    case "tls_handshake":
      return { message: handshakeRemedy, fields: { detail: message } };
    case "busy":
      return { message: busyRemedy, fields: { detail: message } };
    case "too_many_connections":
      return { message: connectionsRemedy };
    case "flood":
      return { message: floodRemedy };
    case "unread":
      return { message: unreadRemedy };
    case "unknown_host":
    case "unauthenticated":
      return { message: guardRemedies[reason] };
    case "fault":
    case "pipeline_refused":
    case "malformed_http":
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
