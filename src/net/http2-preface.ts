/**
 * The first bytes of a connection, which tell what its client speaks.
 * https://www.rfc-editor.org/rfc/rfc9113#section-3.4
 */

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
