import type { ComponentKind } from "../component/component-kind.ts";
import type { Logger } from "../component/settings.ts";
import type { RootLogger } from "./logger.ts";

/** A logger whose level and encoding a reload exchanges, also for the components that have theirs already. */
export interface ExchangeableLogger extends RootLogger {
  exchange(target: RootLogger): void;
}

/** Keeps a logger for each component that has logged since the last exchange. */
export function createExchangeableLogger(first: RootLogger): ExchangeableLogger {
  let target = first;
  const delegating = (current: () => Logger): Logger => ({
    debug: (message, fields) => current().debug(message, fields),
    info: (message, fields) => current().info(message, fields),
    warn: (message, fields) => current().warn(message, fields),
    error: (message, fields) => current().error(message, fields),
  });
  return {
    ...delegating(() => target),
    forComponent(component: { readonly id: string; readonly kind: ComponentKind }) {
      let root = target;
      let own = root.forComponent(component);
      return delegating(() => {
        if (root !== target) {
          root = target;
          own = root.forComponent(component);
        }
        return own;
      });
    },
    exchange(next) {
      target = next;
    },
  };
}
