import assert from "node:assert/strict";
import { rewrites } from "./mutants.ts";
import type { ServerMutant, ServerPeer } from "./peers.ts";

/** The port on which a receiver listens for which nothing is configured. */
export function defaultPort(port: number): {
  readonly check: (server: ServerPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ServerMutant>>;
} {
  return {
    async check(server) {
      const protocol = server.transport === "grpc" ? "grpc" : "http";
      const config = await server.defaultConfig();
      const [, endpoint] = new RegExp(`${protocol}:\\s+endpoint: (\\S+)`).exec(config) ?? [];
      assert.match(endpoint ?? "none", new RegExp(`^(127\\.0\\.0\\.1|localhost):${port}$`));
    },
    mutants: {
      "listens elsewhere": rewrites((answer) => ({
        ...answer,
        body: Buffer.from(Buffer.from(answer.body).toString().replaceAll(`:${port}`, ":55681")),
      })),
    },
  };
}
