import { z } from "zod";
import { duration } from "../../config/units.ts";
import { checkServer, serverOptions } from "../../serving/server-options.ts";

function pagePath() {
  return z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must begin with / and contain no ?, # or blank, e.g. "/health".');
}

export const schema = z
  .strictObject({
    ...serverOptions(
      "127.0.0.1:13133",
      "The address on which probes are answered. Port 0 takes any free port.",
    ),
    path: pagePath()
      .prefault("/")
      .describe(
        "The path of the health page, for liveness probes. Where two pages have the same path, this one is served.",
      ),
    component_health: z
      .strictObject({
        include_permanent_errors: z
          .boolean()
          .prefault(false)
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
      .describe(
        "Which errors of components count on the health page and the status page; without it, none does. If present, even as {}, the health page also contains the health of every component.",
      ),
    http: z
      .strictObject({
        status: z
          .strictObject({
            enabled: z.boolean().prefault(true).describe("Whether to serve the status page."),
            path: pagePath().prefault("/status").describe("The path of the status page."),
          })
          .prefault({})
          .describe(
            "The status page, for people and tools: every pipeline and component, with its status, since when, and why.",
          ),
        ready: z
          .strictObject({
            enabled: z.boolean().prefault(true).describe("Whether to serve the readiness page."),
            path: pagePath().prefault("/ready").describe("The path of the readiness page."),
            recovery_duration: duration()
              .prefault("1m")
              .describe(
                "How long a component may take to recover from an error before the page answers 503.",
              ),
          })
          .prefault({})
          .describe(
            "The readiness page: 200 when every pipeline has started and no component is in error.",
          ),
      })
      .prefault({})
      .describe("The other pages of the HTTP server."),
  })
  .check(checkServer);

export type Config = z.output<typeof schema>;
