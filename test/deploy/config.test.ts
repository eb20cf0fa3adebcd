import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runCli } from "../support/process.ts";
import { textOf } from "../support/repository.ts";

const backend = { BACKEND_URL: "https://otlp.example.com" };
const redactionKey = { REDACTION_HMAC_KEY: "00112233445566778899aabbccddeeff" };

describe("the collector accepts the configs that the deployments lay over each other", () => {
  for (const [name, configs, env] of [
    ["npm and systemd", ["deploy/config.yaml"], {}],
    ["npm and systemd, forwarding", ["deploy/config.yaml", "deploy/config.forward.yaml"], backend],
    [
      "npm and systemd, forwarding without ids and content",
      ["deploy/config.yaml", "deploy/config.forward.yaml", "deploy/config.private.yaml"],
      { ...backend, ...redactionKey },
    ],
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

describe("memory", () => {
  const shipped = [
    "deploy/config.yaml",
    "deploy/config.forward.yaml",
    "deploy/compose/config.compose.yaml",
    "deploy/kubernetes/component/config.kubernetes.yaml",
  ] as const;

  test("every pipeline that receives data begins with memory_limiter", () => {
    const { service } = parse(textOf("deploy/config.yaml"));
    for (const signal of ["traces", "logs", "metrics"]) {
      expect(service.pipelines[signal].processors[0], signal).toBe("memory_limiter");
    }
  });

  test("deploy/config.private.yaml changes no processor of a pipeline but adds redaction at its end", () => {
    const { service } = parse(textOf("deploy/config.yaml"));
    const { pipelines } = parse(textOf("deploy/config.private.yaml")).service;
    for (const signal of ["traces", "logs", "metrics"]) {
      expect(pipelines[signal].processors, signal).toEqual([
        ...service.pipelines[signal].processors,
        "redaction",
      ]);
    }
  });

  for (const path of shipped.slice(1)) {
    test(`${path} replaces no list of processors, so that memory_limiter stays`, () => {
      const { service } = parse(textOf(path));
      for (const pipeline of Object.values<object>(service.pipelines ?? {})) {
        expect(Object.keys(pipeline)).not.toContain("processors");
      }
    });
  }

  test("every deployment has the same memory limit, for which the defaults are tested", () => {
    const limits = [
      /^MemoryMax=(\d+)M$/m.exec(textOf("deploy/systemd/openclaw-activity-collector.service")),
      /^MemoryMax=(\d+)M$/m.exec(textOf("deploy/systemd/user/openclaw-activity-collector.service")),
      /mem_limit: (\d+)m$/m.exec(textOf("deploy/compose/compose.yaml")),
      /limits: \{ memory: (\d+)Mi \}/.exec(textOf("deploy/kubernetes/component/sidecar.yaml")),
    ];
    expect(limits.map((match) => match?.[1])).toEqual(["256", "256", "256", "256"]);
  });

  test("every deployment leaves a good part of its limit to memory outside the heap", () => {
    for (const path of [
      "deploy/systemd/openclaw-activity-collector.service",
      "deploy/systemd/user/openclaw-activity-collector.service",
      "deploy/docker/Dockerfile",
    ]) {
      const text = textOf(path);
      const [, percent] = /--max-old-space-size-percentage=(\d+)/.exec(text) ?? [];
      const [, mib] = /--max-old-space-size=(\d+)/.exec(text) ?? [];
      expect(Number(percent ?? (Number(mib) * 100) / 256), path).toBeLessThan(60);
    }
  });
});
