import type { ServiceStatus } from "../../component/status.ts";
import type { Config } from "./config.ts";
import {
  type ErrorRules,
  type HealthAnswer,
  healthOf,
  healthTreeOf,
  pipelineHealthOf,
} from "./health.ts";

/** A page of the server: what it answers now. `unknown_pipeline`: the query names one that does not exist. */
export interface Page {
  readonly path: string;
  readonly name: "health" | "status" | "ready";
  readonly answer: (
    service: ServiceStatus,
    query: URLSearchParams,
  ) => HealthAnswer | "unknown_pipeline";
}

/** The pages that the config enables. Where two have the same path, the first one is served. */
export function pagesOf({ path, component_health, http }: Config): readonly Page[] {
  const rules = {
    countsPermanent: component_health?.include_permanent_errors === true,
    ...(component_health?.include_recoverable_errors === true
      ? { recoveryMs: component_health.recovery_duration }
      : {}),
  };
  const readiness = { countsPermanent: true, recoveryMs: http.ready.recovery_duration };
  return [
    {
      path,
      name: "health",
      answer: (service) => healthOf(service, rules, { isVerbose: component_health !== undefined }),
    },
    ...(http.ready.enabled ? [treePage("ready", http.ready.path, readiness)] : []),
    ...(http.status.enabled ? [treePage("status", http.status.path, rules)] : []),
  ];
}

/** A page with every pipeline, or with the one that the query names: `?pipeline=traces`. */
function treePage(name: Page["name"], path: string, rules: ErrorRules): Page {
  return {
    path,
    name,
    answer(service, query) {
      const id = query.get("pipeline");
      if (id === null) {
        return healthTreeOf(service, rules);
      }
      const pipeline = service.pipelines.find((each) => each.id === id);
      return pipeline === undefined
        ? "unknown_pipeline"
        : pipelineHealthOf(service, pipeline, rules);
    },
  };
}
