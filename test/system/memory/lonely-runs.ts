import { otlp } from "../../../src/otlp/proto/generated.js";
import { toNanos } from "../../support/agent-spans.ts";

/** A request with the runs number `from` and following, each in a trace and a session of its own. Open ones are live starts. */
export function lonelyRuns(options: {
  readonly from: number;
  readonly count: number;
  readonly isOpen?: boolean;
}): Uint8Array {
  const startMs = 1_795_000_000_000;
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "openclaw" } },
            { key: "service.instance.id", value: { stringValue: "instance-1" } },
          ],
        },
        scopeSpans: [
          {
            spans: Array.from({ length: options.count }, (_, index) => {
              const number = options.from + index;
              return {
                traceId: idOf(number, 16),
                spanId: idOf(number, 8),
                name: "openclaw.run",
                startTimeUnixNano: toNanos(startMs),
                ...(options.isOpen === true ? {} : { endTimeUnixNano: toNanos(startMs + 1_000) }),
                attributes: [
                  { key: "openclaw.sessionKey", value: { stringValue: `session-${number}` } },
                ],
              };
            }),
          },
        ],
      },
    ],
  }).finish();
}

/** Well distributed, as random ids are, and never zero. */
function idOf(number: number, length: number): Uint8Array {
  const id = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) {
    id.writeInt32BE(Math.imul(number + 1, 0x9e3779b1) ^ (at * 0x85ebca6b), at);
  }
  id.writeUInt32BE(number + 1, length - 4);
  return id;
}
