import { isRecord, text } from "./fields.ts";

/** What OpenClaw says of a gateway that stops and does not come back in the same process. */
const endings = new Set(["gateway stopping", "gateway stopped", "gateway shutdown"]);

/**
 * Whether the event of a hook `gateway_stop` says that the gateway's process ends. It also comes when a plugin is replaced
 * ("plugin replacement"), and when the gateway begins anew, often in the same process ("gateway restarting"); a reason that
 * is not known is taken for one of these, because work that is held to be dead for certain must be.
 */
export function endsGateway(event: unknown): boolean {
  const reason = isRecord(event) ? text(event["reason"]) : undefined;
  return reason === undefined || endings.has(reason);
}
