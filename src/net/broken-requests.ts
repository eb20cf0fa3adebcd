import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { http2GoAway, protocolOf } from "./http2-preface.ts";

/**
 * Why a request did not arrive completely. A closed list, fit for a label. `disconnected` is reported only if a
 * handler was waiting for a body: a connection without a request loses nothing. `flood`: a client sends more requests than it takes
 * answers. `unread`: it does not take the answers that it has. `unexpected_http2` and `unexpected_tls`: the client
 * speaks HTTP/2 or TLS to a port that does not. `unexpected_plaintext`: it speaks no TLS to a port that does.
 */
export const brokenRequests = [
  "malformed_http",
  "headers_too_large",
  "timeout",
  "disconnected",
  "too_many_connections",
  "flood",
  "unread",
  "unexpected_http2",
  "unexpected_tls",
  "unexpected_plaintext",
  "tls_handshake",
] as const;
export type BrokenRequest = (typeof brokenRequests)[number];

/** `rawPacket` are the bytes that the parser could not read. */
export type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Uint8Array };

export function reasonOf(error: ParserError): BrokenRequest {
  switch (error.code) {
    case "HPE_PAUSED_H2_UPGRADE":
      return "unexpected_http2";
    case "HPE_INVALID_METHOD":
      return isTls(error.rawPacket) ? "unexpected_tls" : "malformed_http";
    case "HPE_HEADER_OVERFLOW":
      return "headers_too_large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "timeout";
    case "ECONNRESET":
    case "EPIPE":
    case "ETIMEDOUT":
    case "HPE_INVALID_EOF_STATE":
      return "disconnected";
    default:
      return "malformed_http";
  }
}

/** A handshake of TLS. Its second byte may not have arrived. */
function isTls([first = 0, second = 3]: Uint8Array = noBytes): boolean {
  return protocolOf(Uint8Array.of(first, second)) === "tls";
}

const noBytes = new Uint8Array(0);

/** The last bytes to a client whose request cannot be read. Clients that speak TLS know this answer, and say what is wrong. */
const endings = {
  malformed_http: lastAnswer("400 Bad Request"),
  headers_too_large: lastAnswer("431 Request Header Fields Too Large"),
  timeout: lastAnswer("408 Request Timeout"),
  disconnected: undefined,
  too_many_connections: undefined,
  flood: undefined,
  unread: undefined,
  unexpected_http2: http2GoAway(
    "This port speaks HTTP/1.1. Send OTLP/gRPC to the port of protocols.grpc, usually 4317, or use http/protobuf.",
  ),
  unexpected_tls: lastAnswer("400 Bad Request"),
  unexpected_plaintext: undefined,
  tls_handshake: undefined,
} as const satisfies Record<BrokenRequest, string | Uint8Array | undefined>;

function lastAnswer(statusLine: string): string {
  return `HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

/** Ends the connection of a request that was broken by `reason`, with an answer if `isAnswered` is false and there is one for it. */
export function endBroken(socket: Duplex, reason: BrokenRequest, isAnswered: boolean): void {
  const ending = isAnswered ? undefined : endings[reason];
  if (ending === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  if (typeof ending === "string") {
    socket.end(ending, () => socket.destroy());
    return;
  }
  // The client still writes. Closing the connection now would reset it, and the client would never read the answer.
  socket.end(ending);
  if (socket instanceof Socket) {
    socket.setTimeout(lingerMs);
  }
}

/** How long a client that was asked to leave may stay silent. */
const lingerMs = 1_000;
