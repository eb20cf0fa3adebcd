import { z } from "zod";
import { duration } from "../../config/units.ts";

const mebibytes = () => z.int().min(0).max(16_777_216).prefault(0);
const percentage = () => z.int().min(0).max(100).prefault(0);

export const schema = z
  .strictObject({
    check_interval: duration({ min: "1ms", max: "1h" })
      .prefault("1s")
      .describe(
        "How often memory is measured. Shorter than the time in which a burst can fill spike_limit_mib.",
      ),
    limit_mib: mebibytes().describe(
      "The hard limit of the memory of the process, in MiB. It has precedence over limit_percentage. 0: not set.",
    ),
    limit_percentage: percentage().describe(
      "The hard limit as a percentage of the memory limit of the process, which is that of its cgroup (container, systemd unit) or else the memory of the machine. 0: not set.",
    ),
    spike_limit_mib: mebibytes().describe(
      "How far below limit_mib data is refused: the soft limit is limit_mib - spike_limit_mib. 0: 20 % of limit_mib.",
    ),
    spike_limit_percentage: percentage().describe(
      "The same for limit_percentage, as a percentage of the memory limit of the process. 0: 20 % of the hard limit.",
    ),
    min_gc_interval_when_soft_limited: duration({ min: "0s", max: "1h" })
      .prefault("10s")
      .describe("The shortest time between two garbage collections above the soft limit."),
    min_gc_interval_when_hard_limited: duration({ min: "0s", max: "1h" })
      .prefault("0s")
      .describe("The same above the hard limit. 0s: at every check."),
    max_gc_interval_when_soft_limited: duration({ min: "0s", max: "1h" })
      .prefault("30s")
      .describe(
        "While collections free less than 5 %, the time between them doubles up to this, above the soft limit.",
      ),
    max_gc_interval_when_hard_limited: duration({ min: "0s", max: "1h" })
      .prefault("30s")
      .describe("The same above the hard limit."),
  })
  .check((context) => {
    for (const { path, message } of problemsOf(context.value)) {
      context.issues.push({
        code: "custom",
        input: path === undefined ? context.value : context.value[path],
        ...(path === undefined ? {} : { path: [path] }),
        message,
      });
    }
  });

export type Config = z.output<typeof schema>;

interface Problem {
  readonly path?: keyof Config;
  readonly message: string;
}

type Limits = Readonly<Record<keyof Config, number>>;

function problemsOf(config: Limits): readonly Problem[] {
  const problems: Problem[] = [];
  const { limit_mib, limit_percentage, spike_limit_mib, spike_limit_percentage } = config;
  if (limit_mib === 0 && limit_percentage === 0) {
    problems.push({
      message:
        "must have limit_mib or limit_percentage, greater than zero, e.g. limit_percentage: 80.",
    });
  }
  if (limit_mib > 0 && spike_limit_mib >= limit_mib) {
    problems.push({ path: "spike_limit_mib", message: "must be smaller than limit_mib." });
  }
  if (limit_percentage > 0 && spike_limit_percentage >= limit_percentage) {
    problems.push({
      path: "spike_limit_percentage",
      message: "must be smaller than limit_percentage.",
    });
  }
  if (spike_limit_mib > 0 && limit_mib === 0 && limit_percentage > 0) {
    problems.push({
      path: "spike_limit_mib",
      message: "has no effect without limit_mib. Use spike_limit_percentage with limit_percentage.",
    });
  }
  if (spike_limit_percentage > 0 && limit_percentage === 0 && limit_mib > 0) {
    problems.push({
      path: "spike_limit_percentage",
      message: "has no effect without limit_percentage. Use spike_limit_mib with limit_mib.",
    });
  }
  if (config.min_gc_interval_when_soft_limited < config.min_gc_interval_when_hard_limited) {
    problems.push({
      path: "min_gc_interval_when_soft_limited",
      message: "must not be shorter than min_gc_interval_when_hard_limited.",
    });
  }
  for (const level of ["soft", "hard"] as const) {
    const longest = `max_gc_interval_when_${level}_limited` as const;
    const shortest = `min_gc_interval_when_${level}_limited` as const;
    if (config[longest] < config[shortest]) {
      problems.push({ path: longest, message: `must not be shorter than ${shortest}.` });
    }
  }
  return problems;
}
