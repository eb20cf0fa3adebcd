import type { IncomingMessage } from "node:http";
import type { Consumer } from "../../component/consumer.ts";
import { parseContentEncoding } from "../../net/inflate.ts";
import { pathOf } from "../../net/request-target.ts";
import type { Encoding } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { HttpConfig } from "./config.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { Route } from "./request-handler.ts";

/** The head of a request: everything that is known before its body is read. */
export type Head = Pick<IncomingMessage, "method" | "url" | "headers">;

/** Finds the route of a request, or the reason why it has none. Checks the path first, then the method, then the types. */
export function routeOf(
  head: Head,
  config: HttpConfig,
  consumers: ReadonlyMap<Signal, Consumer>,
): Route | Refusal {
  const signal = signalOf(head.url ?? "", config);
  if (signal === undefined) {
    return refusal("unknown_path", "There is no OTLP endpoint at this path.");
  }
  const next = consumers.get(signal);
  if (next === undefined) {
    return refusal("no_pipeline", `No pipeline receives ${signal} from this receiver.`);
  }
  if (head.method !== "POST") {
    return refusal("method", "OTLP requests must use POST.");
  }
  const encoding = encodingOf(head);
  if (encoding === undefined) {
    return refusal(
      "content_type",
      "The Content-Type must be application/x-protobuf or application/json.",
    );
  }
  const content = parseContentEncoding(head.headers["content-encoding"]);
  const allowed: readonly string[] = config.compression_algorithms;
  if (content === undefined || !allowed.includes(content === "identity" ? "" : content)) {
    const taken = config.compression_algorithms.map((algorithm) => algorithm || "identity");
    return refusal("content_encoding", `The Content-Encoding must be one of ${taken.join(", ")}.`);
  }
  return { signal, next, encoding, content };
}

/** The encoding of the request, by its Content-Type; parameters and case do not matter. */
export function encodingOf(head: Pick<Head, "headers">): Encoding | undefined {
  const [mediaType = ""] = (head.headers["content-type"] ?? "").split(";", 1);
  switch (mediaType.trim().toLowerCase()) {
    case "application/x-protobuf":
      return "protobuf";
    case "application/json":
      return "json";
    default:
      return undefined;
  }
}

function signalOf(url: string, config: HttpConfig): Signal | undefined {
  switch (pathOf(url)) {
    case config.traces_url_path:
      return "traces";
    case config.metrics_url_path:
      return "metrics";
    case config.logs_url_path:
      return "logs";
    default:
      return undefined;
  }
}
