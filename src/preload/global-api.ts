import { call, globalApiKey, property } from "../sender/global-context.ts";
import { versionOfCallingApi } from "./api-version.ts";

/** Everything that one registers with the API by its `setGlobal…` functions. */
const slotNames = ["trace", "context", "propagation", "metrics", "logs", "diag"] as const;

type SlotName = (typeof slotNames)[number];

/** What the watcher makes of it. */
export interface GlobalApiListener {
  /** The application registered a tracer provider of its own. What we lent for traces is gone. */
  onProvider(provider: unknown): void;
  /** Something could not be registered beside what we lent. */
  onRefused(): void;
}

interface Slot {
  value: unknown;
  /** Whether it is ours, lent until the application registers its own. */
  isLent: boolean;
}

/**
 * Watches the one object in which every copy of `@opentelemetry/api` 1.x keeps what is registered, so
 * that the application's own tracer provider is noticed whenever it comes and by whichever copy.
 *
 * What is registered when this is called is treated as lent: it works until the application registers
 * its own, and then makes way. Without that, the API would refuse the second registration, and one by a
 * copy of another version altogether. Call it with `isLent: false` to leave what is there in charge.
 *
 * Relies on how the API registers, the same since 1.0: `registerGlobal` reads and then *assigns* the
 * object on `globalThis`, looks whether the slot is taken, compares the object's version with its own,
 * and assigns the slot; a mere use reads the object and then the slot.
 */
export function watchGlobalApi(
  listener: GlobalApiListener,
  options: { readonly isLent: boolean },
): void {
  let api: unknown = property(globalThis, globalApiKey);
  let isRegistering = false;
  let isAwaitingSlot = false;
  const lent: Slot[] = [];

  function watchSlot(of: object, name: SlotName, slot: Slot): void {
    if (name === "context" || name === "propagation") {
      lent.push(slot);
    }
    Reflect.defineProperty(of, name, {
      configurable: true, // `disable()` of the API deletes it.
      enumerable: true,
      get: () => (isRegistering && slot.isLent ? undefined : slot.value),
      set: (value: unknown) => {
        slot.value = value;
        slot.isLent = false;
        isRegistering = false;
        isAwaitingSlot = false;
        if (name === "trace") {
          watchProxy(value, listener);
          returnLent();
        }
      },
    });
  }

  /** Without ours an application that registers no context manager has none, and shall have none. */
  function returnLent(): void {
    for (const slot of lent.splice(0).filter(({ isLent }) => isLent)) {
      slot.value = undefined;
    }
  }

  /** What the application's API made itself needs no more than to be watched. */
  function watchForeign(of: unknown): void {
    if (typeof of === "object" && of !== null && !isWatched(of)) {
      watchSlot(of, "trace", { value: property(of, "trace"), isLent: false });
    }
  }

  if (options.isLent && api !== undefined) {
    const version = property(api, "version");
    const ours = {};
    Reflect.defineProperty(ours, "version", {
      enumerable: true,
      get: () => {
        if (!isRegistering) {
          return version;
        }
        isAwaitingSlot = true;
        queueMicrotask(() => {
          if (isAwaitingSlot) {
            isAwaitingSlot = false;
            listener.onRefused();
          }
        });
        return versionOfCallingApi() ?? version;
      },
    });
    for (const name of slotNames) {
      const value = property(api, name);
      watchSlot(ours, name, { value, isLent: value !== undefined });
    }
    api = ours;
  } else {
    const registered = property(api, "trace");
    if (registered !== undefined) {
      listener.onProvider(call(registered, "getDelegate") ?? registered);
      watchProxy(registered, listener);
    }
    watchForeign(api);
  }

  Reflect.defineProperty(globalThis, globalApiKey, {
    configurable: true,
    enumerable: true,
    get: () => {
      isRegistering = false;
      return api;
    },
    set: (value: unknown) => {
      api = value;
      isRegistering = true;
      // Each registration comes by here, also after `disable()` took our accessor away.
      watchForeign(value);
    },
  });
}

function isWatched(api: object): boolean {
  return Reflect.getOwnPropertyDescriptor(api, "trace")?.set !== undefined;
}

/** The API registers a proxy and tells it the real provider right after. */
function watchProxy(proxy: unknown, listener: GlobalApiListener): void {
  const setDelegate = property(proxy, "setDelegate");
  if (typeof proxy !== "object" || proxy === null || typeof setDelegate !== "function") {
    return;
  }
  Reflect.defineProperty(proxy, "setDelegate", {
    configurable: true,
    writable: true,
    value: (provider: unknown) => {
      listener.onProvider(provider);
      Reflect.apply(setDelegate, proxy, [provider]);
    },
  });
}
