/**
 * The parts of gRPC over HTTP/2 that a client and a server of unary calls share.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

/** The names of the status codes, by number. */
export const grpcCodeNames = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;
export type GrpcCode = (typeof grpcCodeNames)[number];

/** The number of a code on the wire. */
export function grpcCodeNumber(code: GrpcCode): number {
  return grpcCodeNames.indexOf(code);
}

/** The code in a `grpc-status`; UNKNOWN for a number that is none; undefined if there is no number. */
export function parseGrpcStatus(header: unknown): GrpcCode | undefined {
  return typeof header === "string" && /^\d{1,9}$/.test(header)
    ? (grpcCodeNames[Number(header)] ?? "UNKNOWN")
    : undefined;
}

/** The code of an HTTP answer that does not come from gRPC, such as that of a proxy. */
export function grpcCodeOfHttpStatus(status: number): GrpcCode {
  return httpStatuses.get(status) ?? "UNKNOWN";
}

const httpStatuses = new Map<number, GrpcCode>([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
]);

/** The code of a stream that was reset with this error of HTTP/2. */
export function grpcCodeOfReset(http2Code: number): GrpcCode {
  return resets.get(http2Code) ?? "INTERNAL";
}

const resets = new Map<number, GrpcCode>([
  [7, "UNAVAILABLE"], // REFUSED_STREAM
  [8, "CANCELLED"], // CANCEL
  [11, "RESOURCE_EXHAUSTED"], // ENHANCE_YOUR_CALM
  [12, "PERMISSION_DENIED"], // INADEQUATE_SECURITY
]);

/** The value of `grpc-timeout`. It holds eight digits, so longer times are rounded up to seconds. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  return ms < 1e8 ? `${ms}m` : `${Math.min(Math.ceil(ms / 1000), 99_999_999)}S`;
}

/** The milliseconds of a `grpc-timeout`; undefined if it is not one. */
export function parseGrpcTimeout(header: string): number | undefined {
  const [, digits, unit = ""] = /^([0-9]{1,8})([HMSmun])$/.exec(header) ?? [];
  const factor = unitMs.get(unit);
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

const unitMs = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1_000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** The value of `grpc-message`: UTF-8 in which all but printable ASCII is percent-encoded. */
export function encodeGrpcMessage(message: string): string {
  // encodeURIComponent throws for half of a surrogate pair.
  return message
    .toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]+/g, (part) =>
      part === "%" ? "%25" : encodeURIComponent(part),
    );
}

/** The bytes before each message: whether it is compressed, and its length. */
export const messagePrefixBytes = 5;

export function messagePrefix(lengthBytes: number, isCompressed: boolean): Uint8Array {
  const prefix = new Uint8Array(messagePrefixBytes);
  const view = new DataView(prefix.buffer);
  view.setUint8(0, isCompressed ? 1 : 0);
  view.setUint32(1, lengthBytes);
  return prefix;
}

/** One message as it was sent. */
export interface GrpcMessage {
  readonly isCompressed: boolean;
  readonly bytes: Uint8Array;
}

/** The message of a unary call. Undefined unless the bytes are exactly one message. */
export function parseOnlyMessage(bytes: Uint8Array): GrpcMessage | undefined {
  if (bytes.length < messagePrefixBytes) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flag = view.getUint8(0);
  return flag <= 1 && view.getUint32(1) === bytes.length - messagePrefixBytes
    ? { isCompressed: flag === 1, bytes: bytes.subarray(messagePrefixBytes) }
    : undefined;
}
