import type { EngineView } from "../../activity/engine/engine-view.ts";
import { heartbeatsPerLease } from "../../activity/engine/policy/leases.ts";
import { maxToolNames } from "../../activity/model/work.ts";
import { hashKeyBytes, KeyedHash } from "../../activity/recognition/keyed-hash.ts";
import { LabelValues, overflowValue } from "../../activity/recognition/label-values.ts";
import { LogSignalReader } from "../../activity/recognition/log-signal-reader.ts";
import { SenderProcesses } from "../../activity/recognition/sender-processes.ts";
import { refKeyBytes, SessionRefs } from "../../activity/recognition/session-refs.ts";
import { SpanSignalReader } from "../../activity/recognition/span-signal-reader.ts";
import { sessionReferences } from "../../activity/recognition/work-spans.ts";
import { exceptionFields } from "../../component/exception-fields.ts";
import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../component/throttle.ts";
import { parseDuration } from "../../config/quantity.ts";
import { isIdInsteadOfName } from "../../metrics/id-shape.ts";
import { type Config, showsSessions } from "./config.ts";
import { SharedStateLog } from "./shared-state-log.ts";
import { UnrecognizedLog } from "./unrecognized-log.ts";

const maxChannels = 100;
/** The time between two log lines about records that a bug makes unreadable. */
const faultIntervalMs = 10_000;

/**
 * Creates the readers of a processor. `inUse` returns the numbers that its engine needs; it is not called before the first payload. `clock` of the
 * result is to be set before each payload.
 */
export function createSignalReaders(
  settings: Pick<Settings, "clock" | "logger" | "randomBytes">,
  config: Config,
  inUse: () => ReturnType<EngineView["inUse"]>,
) {
  const { clock, logger } = settings;
  const requestClock = { nowMs: 0 };
  const labelUsage = {
    clock: requestClock,
    hashKey: settings.randomBytes(hashKeyBytes),
    isId: isIdInsteadOfName,
  };
  const labels = {
    tools: new LabelValues(maxToolNames, {
      ...labelUsage,
      inUse: () => inUse().tools,
      onFull: () =>
        logger.warn("The limit of tool names is reached. New names are reported as other.", {
          limit: maxToolNames,
          shown_as: overflowValue,
        }),
    }),
    channels: new LabelValues(maxChannels, {
      ...labelUsage,
      inUse: () => inUse().channels,
      onFull: () =>
        logger.warn("The limit of channels is reached. New channels are reported as other.", {
          limit: maxChannels,
          shown_as: overflowValue,
        }),
    }),
  };
  const sharedStates = new SharedStateLog(logger);
  const unrecognized = new UnrecognizedLog(logger);
  const processes = new SenderProcesses(
    {
      clock: requestClock,
      maxAgeMs: Math.max(config.max_age, config.tombstone_ttl),
      inUse: () => inUse().processes,
      onFull: () => {}, // The status says it, see BoundsWatch.
    },
    (service) => sharedStates.onShared(service),
    (service, patterns) => unrecognized.onUnrecognized(service, patterns),
  );
  const hashKey = settings.randomBytes(hashKeyBytes);
  const refKey = settings.randomBytes(refKeyBytes);
  const hash = new KeyedHash(
    hashKey,
    showsSessions(config)
      ? new SessionRefs({ configured: config.session_ref_key?.reveal(), random: refKey })
      : undefined,
  );
  const forwardsPending = config.forward_pending_spans;
  const limitFaults = createThrottle(clock, faultIntervalMs);
  const onFault = (error: unknown) =>
    limitFaults((heldBack) =>
      logger.error(
        "A span or a log record could not be read because of a bug. It is forwarded, and its work is not tracked. Please report it.",
        { ...exceptionFields(error), held_back: heldBack },
      ),
    );
  const rules = {
    workSpans: config.work_spans,
    sessionReferences: config.session_references,
    onFault,
  };
  const spanReader = new SpanSignalReader({
    processes,
    hash,
    ...labels,
    ...rules,
    forwardsPending,
  });
  const logReader = new LogSignalReader({
    processes,
    hash,
    tools: labels.tools,
    spans: new SpanSignalReader({ processes, hash, ...labels, ...rules }),
    sessionReferences: [...sessionReferences, ...config.session_references],
    intervals: {
      stateIntervalMs: config.span_state_interval,
      maxIntervalMs: config.max_lease / heartbeatsPerLease,
      parseDurationMs,
    },
    forwardsClaims: config.forward_claims,
    onFault,
  });
  return { clock: requestClock, labels, processes, hash, hashKey, refKey, spanReader, logReader };
}

function parseDurationMs(text: string): number | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : undefined;
}
