import { isRecord, text } from "./fields.ts";

/** OpenClaw's reasons for a gateway that stops and does not start again in the same process. */
const endings = new Set(["gateway stopping", "gateway stopped", "gateway shutdown"]);

/**
 * Whether the event of a hook `gateway_stop` means that the gateway's process ends. OpenClaw also calls the hook when it
 * replaces a plugin ("plugin replacement") and when the gateway restarts, often in the same process ("gateway restarting").
 * An unknown reason counts as one of these, because the collector must not declare work dead that may still run.
 */
export function endsGateway(event: unknown): boolean {
  const reason = isRecord(event) ? text(event["reason"]) : undefined;
  return reason === undefined || endings.has(reason);
}
