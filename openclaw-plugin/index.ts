import { randomBytes, randomUUID } from "node:crypto";
import { onInternalDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { openApprovalClient } from "./src/approval-client.ts";
import { parseConfig } from "./src/config.ts";
import { diagnosticEventTypes, hookNames } from "./src/gateway-event.ts";
import { endsGateway } from "./src/gateway-stop.ts";
import { type Relay, startRelay } from "./src/relay.ts";
import { detectResource } from "./src/resource.ts";

/** State shared by all copies of the plugin that OpenClaw loads into one process. */
interface Shared {
  /** The relay of this process, while the gateway runs its services. */
  relay?: Relay;
  /** Unsubscribes the relay from OpenClaw's events. */
  stopListening?: () => void;
  /** The gateway has announced that it stops, and its process with it. */
  isGatewayStopping?: boolean;
  /** When, in Unix ms, a relay last stopped watching this process. */
  unwatchedAtMs?: number;
}

/**
 * OpenClaw loads the plugin several times, also into one process (for tools, for the command line), and calls hooks of one
 * copy while the service runs in another. All copies find the relay in this slot of `globalThis`.
 */
const shared = sharedSlot(Symbol.for("openclaw-activity-relay.v1"));

// biome-ignore lint/style/noDefaultExport: OpenClaw reads the default export.
export default definePluginEntry({
  id: "activity-relay",
  name: "Activity relay",
  description:
    "Reports to an activity collector at once when runs, tools and model calls start and end.",
  register(api) {
    let own: Relay | undefined;
    for (const name of hookNames) {
      api.on(name, (event, context) => shared.relay?.hook(name, event, context));
    }
    // When a gateway stops, OpenClaw calls this hook before it stops the services. When it replaces a plugin, it calls the
    // hook after it has stopped the plugin's services.
    api.on("gateway_stop", (event) => {
      if (endsGateway(event)) {
        shared.isGatewayStopping = true;
      }
    });
    api.registerService({
      id: "activity-relay",
      start({ config, logger }) {
        const log = {
          info: (message: string) => logger.info(`[activity-relay] ${message}`),
          warn: (message: string) => logger.warn(`[activity-relay] ${message}`),
        };
        try {
          const relayConfig = parseConfig(api.pluginConfig);
          shared.isGatewayStopping = false;
          void stopShared(); // Does not reject.
          const { unwatchedAtMs } = shared;
          const started = startRelay({
            config: relayConfig,
            resource: detectResource({
              config,
              env: process.env,
              serviceVersion: api.runtime?.version,
              serviceInstanceId: randomUUID(),
            }),
            key: randomBytes(32),
            log,
            ...(unwatchedAtMs === undefined ? {} : { reportedUntilMs: unwatchedAtMs }),
          });
          own = started;
          shared.relay = started;
          const unsubscribe = [
            onInternalDiagnosticEvent(started.event, { include: diagnosticEventTypes }),
            api.runtime?.events?.onAgentEvent?.(started.agentEvent),
            relayConfig.approvalClient && relayConfig.kinds.has("pause")
              ? openApprovalClient({ config, log, onEvent: started.approval })
              : undefined,
          ];
          shared.stopListening = () => {
            for (const stopListening of unsubscribe) {
              stopListening?.();
            }
          };
          log.info(`Reporting runs and waits to ${relayConfig.endpoint.origin}.`);
        } catch (error) {
          // An error of the plugin must not keep the gateway from starting.
          log.warn(`Not started: ${error instanceof Error ? error.message : String(error)}`);
        }
      },
      async stop() {
        // Another copy may have started a relay of its own and stopped this one.
        if (own !== undefined && own === shared.relay) {
          await stopShared();
        }
        own = undefined;
      },
    });
  },
});

/** Stops the relay of this process, if one runs. The work of the process ends with it only when the gateway stops. */
async function stopShared(): Promise<void> {
  const { relay, stopListening, isGatewayStopping } = shared;
  delete shared.relay;
  delete shared.stopListening;
  stopListening?.();
  if (relay !== undefined && isGatewayStopping === true) {
    await relay.stop();
  } else if (relay !== undefined) {
    shared.unwatchedAtMs = Date.now();
    await relay.leave();
  }
}

function sharedSlot(key: symbol): Shared {
  const known: unknown = Reflect.get(globalThis, key);
  if (typeof known === "object" && known !== null) {
    return known;
  }
  const slot = {};
  Reflect.set(globalThis, key, slot);
  return slot;
}
