import { call, globalApiKey, property } from "../sender/global-context.ts";
import { versionOfCallingApi } from "./api-version.ts";

/** The slots that the `setGlobal…` functions of the API fill. */
const slotNames = ["trace", "context", "propagation", "metrics", "logs", "diag"] as const;

type SlotName = (typeof slotNames)[number];

/** The callbacks of the watcher. */
export interface GlobalApiListener {
  /** The application registered a tracer provider of its own, which replaces the one that was lent. */
  onProvider(provider: unknown): void;
  /** The application could not register something beside the lent objects. */
  onRefused(): void;
}

interface Slot {
  value: unknown;
  /** Whether the preload registered it, until the application registers its own. */
  isLent: boolean;
}

/**
 * Watches the one object in which every copy of `@opentelemetry/api` 1.x keeps its registrations, to notice the application's
 * own tracer provider whenever it is registered, through any copy.
 *
 * Objects that are registered when this is called are treated as lent: they work until the application registers its own,
 * which then replaces them. Otherwise the API would refuse the second registration, and every registration by a copy of
 * another version. Call it with `isLent: false` to leave the existing registrations in place.
 *
 * Relies on the way the API registers, the same since 1.0: `registerGlobal` reads and then *assigns* the object on
 * `globalThis`, checks whether the slot is taken, compares the object's version with its own, and assigns the slot; a mere use
 * reads the object and then the slot.
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

  /** An application that registers no context manager of its own must have none, as without the preload. */
  function returnLent(): void {
    for (const slot of lent.splice(0).filter(({ isLent }) => isLent)) {
      slot.value = undefined;
    }
  }

  /** An object that the application's copy of the API created only needs to be watched. */
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
      // Every registration assigns this property, also after `disable()` removed the accessor of the slot.
      watchForeign(value);
    },
  });
}

function isWatched(api: object): boolean {
  return Reflect.getOwnPropertyDescriptor(api, "trace")?.set !== undefined;
}

/** The API registers a proxy and sets the real provider as its delegate right after. */
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
