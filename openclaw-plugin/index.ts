import { randomBytes, randomUUID } from "node:crypto";
import { onInternalDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { openApprovalClient } from "./src/approval-client.ts";
import { parseConfig } from "./src/config.ts";
import { diagnosticEventTypes, hookNames } from "./src/gateway-event.ts";
import { endsGateway } from "./src/gateway-stop.ts";
import { type Relay, startRelay } from "./src/relay.ts";
import { detectResource } from "./src/resource.ts";

/** What the copies of the plugin share that OpenClaw loads into one process. */
interface Shared {
  /** The relay of this process, while the gateway runs its services. */
  relay?: Relay;
  /** Takes it off OpenClaw's events. */
  stopListening?: () => void;
  /** The gateway has said that it stops, and with it the process. */
  isGatewayStopping?: boolean;
  /** When, in Unix ms, a relay last stopped watching this process. */
  unwatchedAtMs?: number;
}

/**
 * OpenClaw loads the plugin several times over, also into one process (for tools, for the command line), and calls hooks
 * of one copy while the service runs in another: so the relay is kept where all copies find it.
 */
const shared = sharedSlot(Symbol.for("openclaw-activity-relay.v1"));

// biome-ignore lint/style/noDefaultExport: OpenClaw reads the default export.
export default definePluginEntry({
  id: "activity-relay",
  name: "Activity relay",
  description:
    "Tells an activity collector at once when runs, tools and model calls start and end.",
  register(api) {
    let own: Relay | undefined;
    for (const name of hookNames) {
      api.on(name, (event, context) => shared.relay?.hook(name, event, context));
    }
    // OpenClaw calls it before it stops the services of a gateway that stops, and after it has stopped those of a plugin
    // that it replaces.
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
          log.info(`Telling ${relayConfig.endpoint.origin} about runs and what they wait for.`);
        } catch (error) {
          // Whatever is wrong with us, the gateway starts.
          log.warn(`Not started: ${error instanceof Error ? error.message : String(error)}`);
        }
      },
      async stop() {
        // Another copy may have taken over, and stopped this one's.
        if (own !== undefined && own === shared.relay) {
          await stopShared();
        }
        own = undefined;
      },
    });
  },
});

/** Stops the relay of this process, if one runs. Only a gateway that stops takes its work with it. */
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
