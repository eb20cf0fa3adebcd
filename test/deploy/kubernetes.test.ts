import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { externalTool } from "../support/external-tool.ts";
import { pathOf, textOf } from "../support/repository.ts";

const kubectl = externalTool("kubectl", "kubectl 1.27 or newer");

interface Container {
  name: string;
  restartPolicy?: string;
  image: string;
  args?: string[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: unknown;
  startupProbe?: unknown;
  resources?: { limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface Resource {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    template: {
      spec: {
        containers: Container[];
        initContainers: Container[];
        volumes: { name: string; configMap?: { name: string } }[];
      };
    };
  };
}

describe.skipIf(kubectl.isSkipped)("the example beside an OpenClaw gateway", () => {
  let resources: Resource[];

  beforeAll(() => {
    const built = kubectl.run(["kustomize", pathOf("deploy/kubernetes/examples/openclaw")]);
    expect(built).toMatchObject({ code: 0, errors: "" });
    resources = parseAllDocuments(built.output).map((document) => document.toJS());
  });

  const pod = () => resources.find(({ kind }) => kind === "Deployment")!.spec.template.spec;
  const collector = () => pod().initContainers.find(({ name }) => name === "activity-collector")!;

  test("runs the collector as a native sidecar that starts before everything else", () => {
    expect(pod().initContainers[0]).toBe(collector());
    expect(collector().restartPolicy).toBe("Always");
    expect(pod().containers.map(({ name }) => name)).toEqual(["gateway"]);
  });

  test("gives the collector no rights it does not need", () => {
    expect(collector().securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(collector().resources?.limits).toHaveProperty("memory");
  });

  test("lets no trouble of the collector make the gateway unready", () => {
    expect(collector().readinessProbe).toBeUndefined();
    expect(collector().startupProbe).toBeUndefined();
    const { path, port } = collector().livenessProbe!.httpGet;
    expect(collector().ports?.map(({ name }) => name)).toContain(port);
    // The page that does not depend on a backend.
    expect(path).toBe("/");
  });

  test("mounts the config map that the component generates, under its hashed name", () => {
    const map = resources.find(
      ({ kind, data }) => kind === "ConfigMap" && data?.["config.kubernetes.yaml"] !== undefined,
    )!;
    const volume = pod().volumes.find(({ configMap }) => configMap?.name === map.metadata.name)!;
    const mount = collector().volumeMounts?.find(({ name }) => name === volume.name);
    expect(map.metadata.name).toMatch(/^openclaw-activity-collector-[a-z0-9]{10}$/);
    expect(collector().args).toContain(`--config=${mount?.mountPath}/config.kubernetes.yaml`);
  });

  test("turns the gateway's telemetry on, towards the collector", () => {
    const map = resources.find(({ data }) => data?.["openclaw.json"] !== undefined)!;
    expect(JSON.parse(map.data?.["openclaw.json"] ?? "")).toMatchObject({
      plugins: { entries: { "diagnostics-otel": { enabled: true } } },
      diagnostics: { enabled: true, otel: { enabled: true, endpoint: "http://127.0.0.1:4318" } },
    });
  });
});

test.skipIf(kubectl.isSkipped)("the component for readiness adds a probe to the sidecar", () => {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "readiness-"));
  const to = (path: string) => relative(folder, realpathSync(pathOf(`deploy/kubernetes/${path}`)));
  try {
    writeFileSync(
      join(folder, "kustomization.yaml"),
      `resources: [${to("examples/openclaw")}]\ncomponents: [${to("readiness")}]\n`,
    );
    const { code, output, errors } = kubectl.run(["kustomize", folder]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    const resources: Resource[] = parseAllDocuments(output).map((document) => document.toJS());
    const { spec } = resources.find(({ kind }) => kind === "Deployment")!;
    const [collector] = spec.template.spec.initContainers;
    expect(collector).toMatchObject({
      name: "activity-collector",
      livenessProbe: { httpGet: { path: "/", port: "health" } },
      readinessProbe: { httpGet: { path: "/ready", port: "health" } },
    });
    expect(spec.template.spec.initContainers.length).toBe(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the ports of the sidecar are those its config opens to the pod's address", () => {
  const overlay = parse(textOf("deploy/kubernetes/component/config.kubernetes.yaml"));
  const sidecar = parse(textOf("deploy/kubernetes/component/sidecar.yaml"));
  const [container] = sidecar.spec.template.spec.initContainers;
  expect(container.ports).toEqual([
    { name: "activity", containerPort: portOf(overlay.exporters.prometheus.endpoint) },
    { name: "telemetry", containerPort: portOf(overlay.service.telemetry.metrics.endpoint) },
    { name: "health", containerPort: portOf(overlay.extensions.health_check.endpoint) },
  ]);
});

test("the sidecar can write where its config stores, and nowhere else", () => {
  const overlay = parse(textOf("deploy/kubernetes/component/config.kubernetes.yaml"));
  const { spec } = parse(textOf("deploy/kubernetes/component/sidecar.yaml")).spec.template;
  const mounts = spec.initContainers[0].volumeMounts.filter(
    ({ readOnly }: { readOnly?: boolean }) => readOnly !== true,
  );
  expect(mounts).toEqual([
    { name: "activity-collector-state", mountPath: overlay.extensions.file_storage.directory },
  ]);
  expect(spec.volumes.map(({ name }: { name: string }) => name)).toContain(mounts[0].name);
});

function portOf(endpoint: string): number {
  return Number(endpoint.split(":").at(-1));
}
