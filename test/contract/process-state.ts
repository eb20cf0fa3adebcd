import { readdirSync, readlinkSync } from "node:fs";

/** Process-wide state that a component could change without opening a resource, by its name in messages. */
export type ProcessState = ReadonlyMap<string, unknown>;

export function processState(): ProcessState {
  const state = new Map<string, unknown>([
    ["the working directory", process.cwd()],
    ["the exit code", process.exitCode],
    ["the environment", JSON.stringify(process.env)],
    ["process.emitWarning", process.emitWarning],
    ["the exception handler", process.hasUncaughtExceptionCaptureCallback()],
    ["the globals", Reflect.ownKeys(globalThis).map(String).sort().join()],
  ]);
  for (const [name, emitter] of emitters) {
    for (const event of emitter.eventNames()) {
      state.set(`the listeners of ${name} for ${String(event)}`, emitter.listenerCount(event));
    }
  }
  for (const path of openFiles()) {
    const what = `the open file ${path}`;
    state.set(what, Number(state.get(what) ?? 0) + 1);
  }
  return state;
}

/** The names of the states that differ from `before`. */
export function changesSince(before: ProcessState): readonly string[] {
  const now = processState();
  return [...new Set([...before.keys(), ...now.keys()])].filter(
    (what) => before.get(what) !== now.get(what),
  );
}

const emitters = [
  ["process", process],
  ["stdout", process.stdout],
  ["stderr", process.stderr],
] as const;

/** Paths of the files and folders that this process has open; empty on systems without /proc. */
function openFiles(): readonly string[] {
  const descriptors = "/proc/self/fd";
  try {
    return readdirSync(descriptors).flatMap((fd) => {
      try {
        const path = readlinkSync(`${descriptors}/${fd}`);
        return path.startsWith("/") && !/^\/(proc|dev)\//.test(path) ? [path] : [];
      } catch {
        return []; // The descriptor of this listing itself.
      }
    });
  } catch {
    return [];
  }
}
