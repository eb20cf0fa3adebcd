import { randomBytes, randomUUID } from "node:crypto";
import { onInternalDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { diagnosticEventTypes, hookNames } from "./src/activity-event.ts";
import { openApprovalClient } from "./src/approval-client.ts";
import { parseConfig } from "./src/config.ts";
import { type Relay, startRelay } from "./src/relay.ts";
import { detectResource } from "./src/resource.ts";

/**
 * The relay of this process, while the gateway runs its services. OpenClaw loads the plugin several times over, also
 * into one process (for tools, for the command line), and calls hooks of one copy while the service runs in another:
 * so it is kept where all copies find it.
 */
const shared: { relay?: Relay } = sharedSlot(Symbol.for("openclaw-activity-relay.v1"));

// biome-ignore lint/style/noDefaultExport: OpenClaw reads the default export.
export default definePluginEntry({
  id: "activity-relay",
  name: "Activity relay",
  description:
    "Tells an activity collector at once when runs, tools and model calls start and end.",
  register(api) {
    let unsubscribe: readonly ((() => void) | undefined)[] = [];
    for (const name of hookNames) {
      api.on(name, (event, context) => shared.relay?.hook(name, event, context));
    }
    api.registerService({
      id: "activity-relay",
      start({ config, logger }) {
        const log = {
          info: (message: string) => logger.info(`[activity-relay] ${message}`),
          warn: (message: string) => logger.warn(`[activity-relay] ${message}`),
        };
        try {
          const relayConfig = parseConfig(api.pluginConfig);
          void shared.relay?.stop();
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
          });
          shared.relay = started;
          unsubscribe = [
            onInternalDiagnosticEvent(started.event, { include: diagnosticEventTypes }),
            api.runtime?.events?.onAgentEvent?.(started.agentEvent),
            relayConfig.approvalClient && relayConfig.kinds.has("pause")
              ? openApprovalClient({ config, log, onEvent: started.approval })
              : undefined,
          ];
          log.info(`Telling ${relayConfig.endpoint.origin} about runs and what they wait for.`);
        } catch (error) {
          // Whatever is wrong with us, the gateway starts.
          log.warn(`Not started: ${error instanceof Error ? error.message : String(error)}`);
        }
      },
      async stop() {
        for (const stopListening of unsubscribe) {
          stopListening?.();
        }
        unsubscribe = [];
        const stopped = shared.relay;
        delete shared.relay;
        await stopped?.stop();
      },
    });
  },
});

function sharedSlot(key: symbol): { relay?: Relay } {
  const known: unknown = Reflect.get(globalThis, key);
  if (typeof known === "object" && known !== null) {
    return known;
  }
  const slot = {};
  Reflect.set(globalThis, key, slot);
  return slot;
}
