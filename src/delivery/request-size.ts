import { byteSize } from "../config/units.ts";
import type { AttemptResult } from "./attempt.ts";

/** `max_request_size` of an exporter: how large a request may be before compression. The default is that of OTLP. */
export function maxRequestSize() {
  return byteSize({ min: "1KiB", max: "1GiB" })
    .prefault("64MiB")
    .describe(
      "The largest request, before compression. A larger one is not sent: its data is lost, counted and logged. Of a batch that is larger, the requests are sent one by one.",
    );
}

/** The result of an attempt that was not made, because the request is larger. */
export function tooLargeResult(maxBytes: number): AttemptResult {
  return {
    status: "permanent",
    message: `The request was not sent, because it is larger than max_request_size (${maxBytes} bytes).`,
    isContentRefused: true,
  };
}
