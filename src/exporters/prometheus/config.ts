import { z } from "zod";
import { endpoint } from "../../config/units.ts";

export const schema = z.strictObject({
  endpoint: endpoint()
    .prefault("127.0.0.1:9464")
    .describe(
      "The address on which Prometheus scrapes the metrics, under the path /metrics. Port 0 takes any free port.",
    ),
});

export type Config = z.output<typeof schema>;
