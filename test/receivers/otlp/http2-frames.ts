// Frames of HTTP/2 by hand, for what no client does. https://www.rfc-editor.org/rfc/rfc9113#section-6

export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
} as const;
export const flags = { none: 0, endStream: 1, ack: 1, endHeaders: 4 } as const;

export function http2Frame(
  type: keyof typeof frameTypes,
  flag: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(frameTypes[type], 3);
  head.writeUInt8(flag, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client says first: the preface and its settings. */
export const hello = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  http2Frame("settings", flags.none, 0),
]);

/** The server's acknowledgement of the settings, as it is heard. */
export const settingsAck = http2Frame("settings", flags.ack, 0).toString("latin1");

export function reset(stream: number, code: number): Buffer {
  return http2Frame("rstStream", flags.none, stream, Buffer.from([0, 0, 0, code]));
}

/** The headers of a call of gRPC, without compression. */
export function headerBlock(path: string): Buffer {
  const literal = (name: string, value: string) =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // POST, http
    literal(":path", path),
    literal(":authority", "localhost"),
    literal("content-type", "application/grpc"),
  ]);
}
