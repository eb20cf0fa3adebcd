import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { settle } from "./waiting.ts";

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** Runs the garbage collector until the condition holds, at most five times. Resolves to whether it holds. */
export async function collectGarbage(isFree: () => boolean): Promise<boolean> {
  for (let round = 0; round < 5; round += 1) {
    // Creating or reading a WeakRef keeps its target alive until the end of the current job.
    await settle();
    gc();
    if (isFree()) {
      return true;
    }
  }
  return false;
}
