import { z } from "zod";

/** The coverage that V8 reports for a script; only the fields in use. */
const scriptCoverage = z.object({
  url: z.string(),
  functions: z.array(
    z.object({
      functionName: z.string(),
      ranges: z.array(z.object({ startOffset: z.number(), count: z.number() })).min(1),
    }),
  ),
});

export type ScriptCoverage = z.infer<typeof scriptCoverage>;

const answer = z.object({
  id: z.number().optional(),
  error: z.object({ message: z.string() }).optional(),
  result: z.object({ result: z.array(scriptCoverage).optional() }).optional(),
});

/** Counts the calls of every function of another process. */
export interface CallCounter {
  /** The functions that were called since the last time. */
  take(): Promise<readonly ScriptCoverage[]>;
  close(): void;
}

interface Waiter {
  readonly resolve: (coverage: readonly ScriptCoverage[]) => void;
  readonly reject: (error: Error) => void;
}

/** `url`: the address on which a process with `--inspect` listens. */
export async function countCalls(url: string): Promise<CallCounter> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, Waiter>();
  const fail = () => {
    for (const { reject } of waiting.values()) {
      reject(new Error(`The connection to ${url} broke.`));
    }
    waiting.clear();
  };
  socket.addEventListener("message", ({ data }) => {
    const { id, error, result } = answer.parse(JSON.parse(String(data)));
    const call = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    if (error !== undefined) {
      call?.reject(new Error(error.message));
    } else {
      call?.resolve(result?.result ?? []);
    }
  });
  socket.addEventListener("close", fail);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`No process listens on ${url}.`)));
  });

  let lastId = 0;
  const call = (method: string, params: object = {}) => {
    const id = ++lastId;
    return new Promise<readonly ScriptCoverage[]>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  await call("Profiler.enable");
  await call("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  return {
    take: () => call("Profiler.takePreciseCoverage"),
    close: () => socket.close(),
  };
}
