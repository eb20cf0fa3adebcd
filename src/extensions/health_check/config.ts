import { z } from "zod";
import { duration, endpoint } from "../../config/units.ts";

export const schema = z.strictObject({
  endpoint: endpoint()
    .prefault("127.0.0.1:13133")
    .describe("The address on which probes are answered. Port 0 takes any free port."),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must begin with / and contain no ?, # or blank, e.g. "/health".')
    .prefault("/")
    .describe("The path of the health page. Every other path gets status 404."),
  component_health: z
    .strictObject({
      include_permanent_errors: z
        .boolean()
        .prefault(true)
        .describe("Whether a permanent error of a component makes the status 503."),
      include_recoverable_errors: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether a recoverable error of a component makes the status 503 after it has lasted for recovery_duration.",
        ),
      recovery_duration: duration()
        .prefault("5m")
        .describe("How long a component may take to recover."),
    })
    .optional()
    .describe("If present, even as {}, the response also contains the health of every component."),
});

export type Config = z.output<typeof schema>;
