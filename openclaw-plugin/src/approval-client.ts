import type { Log } from "./delivery.ts";

interface GatewayClient {
  start(): void;
  stop(): void;
}

export interface ApprovalClientOptions {
  /** OpenClaw's configuration. */
  readonly config: unknown;
  readonly log: Log;
  readonly onEvent: (name: string, payload: unknown) => void;
}

/**
 * Connects to the gateway as a client of its approvals. Returns a function that disconnects it. A failure to connect is
 * logged and has no other effect.
 */
export function openApprovalClient({ config, log, onEvent }: ApprovalClientOptions): () => void {
  let client: GatewayClient | undefined;
  let isClosed = false;
  const open = async () => {
    // Only on demand: older versions do not have it.
    const { createOperatorApprovalsGatewayClient: create } = await import(
      "openclaw/plugin-sdk/gateway-runtime"
    );
    if (create === undefined) {
      throw new Error("this version of OpenClaw has no such client");
    }
    const created = await create({
      config,
      clientDisplayName: "Activity relay",
      onEvent: ({ event, payload }) => onEvent(event, payload),
    });
    if (!isClosed) {
      client = created;
      client.start();
    }
  };
  open().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      `Could not connect to the gateway's approvals: ${reason}. Waits for approvals that plugins request are not reported.`,
    );
  });
  return () => {
    isClosed = true;
    client?.stop();
  };
}
