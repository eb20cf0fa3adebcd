import type { ServiceStatus } from "../../src/component/status.ts";

/** A service that has just come up and is well. */
export const wellService: ServiceStatus = {
  status: "ok",
  startedUnixMs: 1_795_000_000_000,
  sinceUnixMs: 1_795_000_000_000,
  ageMs: 0,
  components: [],
  pipelines: [],
};
