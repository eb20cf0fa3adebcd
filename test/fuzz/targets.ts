import type { FuzzTarget } from "./fuzz-target.ts";
import { accessFuzzTargets } from "./targets/access.ts";
import { configFuzzTargets } from "./targets/configs.ts";
import { requestFuzzTargets } from "./targets/requests.ts";
import { signalFuzzTargets } from "./targets/signals.ts";
import { storedFuzzTargets } from "./targets/stored.ts";
import { wireFuzzTargets } from "./targets/wire.ts";

/** Every parser of bytes that others wrote. `parsers.test.ts` compares it with `src`. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...requestFuzzTargets,
  ...wireFuzzTargets,
  ...signalFuzzTargets,
  ...storedFuzzTargets,
  ...configFuzzTargets,
  ...accessFuzzTargets,
];
