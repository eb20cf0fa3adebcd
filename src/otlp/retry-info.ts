import { otlp } from "./proto/generated.js";

const typeUrl = "type.googleapis.com/google.rpc.RetryInfo";

/** No backend needs a longer pause, and no timer of the runtime holds one of 25 days. */
const maxDelayMs = 24 * 60 * 60 * 1000;

/**
 * The wait that a `google.rpc.Status` asks for in a `RetryInfo`: 0 if that names none, at most a day. Undefined without a
 * `RetryInfo`, and for bytes that are no such status.
 */
export function retryDelayMsOf(status: Uint8Array): number | undefined {
  try {
    const { details } = otlp.RpcStatus.decode(status);
    const info = details?.find(({ typeUrl: url }) => url === typeUrl);
    if (info === undefined) {
      return undefined;
    }
    const { retryDelay } = otlp.RpcRetryInfo.decode(info.value ?? new Uint8Array(0));
    const seconds = retryDelay?.seconds;
    const wholeMs = seconds ? (seconds.high * 2 ** 32 + (seconds.low >>> 0)) * 1000 : 0;
    const delayMs = Math.ceil(wholeMs + (retryDelay?.nanos ?? 0) / 1e6);
    return Math.min(Math.max(delayMs, 0), maxDelayMs);
  } catch {
    return undefined; // protobufjs throws for bytes that are not the message
  }
}
