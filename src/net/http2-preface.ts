/**
 * The first bytes of a connection, which show what its client speaks.
 * https://www.rfc-editor.org/rfc/rfc9113#section-3.4
 */

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What a client speaks. `other`: neither HTTP nor TLS. */
export type ConnectionProtocol = "http2" | "http1" | "tls" | "other";

/** What a client speaks, by its first bytes; undefined if more are needed, at most 24. */
export function protocolOf(bytes: Uint8Array): ConnectionProtocol | undefined {
  const length = Math.min(bytes.length, preface.length);
  const isPreface = bytes.subarray(0, length).every((byte, at) => byte === preface[at]);
  if (isPreface) {
    return length === preface.length ? "http2" : undefined;
  }
  const [first = 0, second] = bytes;
  if (first === tlsHandshake) {
    return second === undefined ? undefined : second === tlsMajorVersion ? "tls" : "other";
  }
  return first >= 0x41 && first <= 0x5a ? "http1" : "other"; // a method
}

const tlsHandshake = 0x16;
const tlsMajorVersion = 0x03;

const errorCodeHttp11Required = 0x0d;
const frameTypes = { settings: 0x04, goAway: 0x07 } as const;

/**
 * What a server that does not speak HTTP/2 sends to a client that does: empty settings, because a client expects them first, and the
 * message that it should use HTTP/1.1. Clients of gRPC show `reason`, and may send the same request again.
 */
export function http2GoAway(reason: string): Uint8Array {
  const debug = new TextEncoder().encode(reason);
  const lastStream = Buffer.alloc(4);
  const errorCode = Buffer.from([0, 0, 0, errorCodeHttp11Required]);
  return Buffer.concat([
    frame(frameTypes.settings, new Uint8Array(0)),
    frame(frameTypes.goAway, Buffer.concat([lastStream, errorCode, debug])),
  ]);
}

/** A frame of the connection itself, without flags. */
function frame(type: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  return Buffer.concat([head, payload]);
}
