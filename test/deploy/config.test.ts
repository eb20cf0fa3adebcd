import { describe, expect, test } from "vitest";
import { runCli } from "../support/process.ts";

const backend = { BACKEND_URL: "https://otlp.example.com" };

describe("the collector accepts the configs that the deployments lay over each other", () => {
  for (const [name, configs, env] of [
    ["npm and systemd", ["deploy/config.yaml"], {}],
    ["npm and systemd, forwarding", ["deploy/config.yaml", "deploy/config.forward.yaml"], backend],
    ["compose", ["deploy/config.yaml", "deploy/compose/config.compose.yaml"], {}],
    [
      "compose, forwarding",
      ["deploy/config.yaml", "deploy/config.forward.yaml", "deploy/compose/config.compose.yaml"],
      backend,
    ],
    [
      "Kubernetes",
      ["deploy/config.yaml", "deploy/kubernetes/component/config.kubernetes.yaml"],
      {},
    ],
  ] as const) {
    test(name, async () => {
      const args = configs.flatMap((config) => ["--config", config]);
      const { exitCode, stderr } = await runCli(["validate", ...args], { env });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    });
  }
});
