import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { pathOf, textOf } from "../support/repository.ts";

const folder = "deploy/compose";
const base = parse(textOf(`${folder}/compose.yaml`));
const observability = parse(textOf(`${folder}/compose.observability.yaml`));
const forward = parse(textOf(`${folder}/compose.forward.yaml`));
const prometheus = parse(textOf(`${folder}/prometheus/prometheus.yml`));

/** `./source:/target:ro` volumes; named volumes have no slash. */
function mounts(...files: { services: Record<string, { volumes?: string[] }> }[]): string[] {
  return files
    .flatMap(({ services }) => Object.values(services))
    .flatMap(({ volumes }) => volumes ?? [])
    .filter((volume) => volume.startsWith("."));
}

describe("compose", () => {
  test("mounts only what exists, and read-only", () => {
    const all = mounts(base, observability, forward);
    expect(all.length).toBeGreaterThan(4);
    for (const mount of all) {
      const [source, , mode] = mount.split(":");
      expect({ mount, exists: existsSync(pathOf(`${folder}/${source}`)), mode }).toEqual({
        mount,
        exists: true,
        mode: "ro",
      });
    }
  });

  test("builds from a Dockerfile that is there", () => {
    const { context, dockerfile } = base.services["activity-collector"].build;
    expect(existsSync(pathOf(`${folder}/${context}/${dockerfile}`))).toBe(true);
  });

  test("runs the collector in the gateway's network, with nothing it does not need", () => {
    expect(base.services["activity-collector"]).toMatchObject({
      network_mode: "service:openclaw-gateway",
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      mem_limit: "256m",
      init: true,
    });
    // A container in another's network cannot publish ports; compose refuses the file.
    expect(base.services["activity-collector"]).not.toHaveProperty("ports");
  });

  test("asks for readiness, with the program that the image has, on the port that its config opens", () => {
    const { test: command } = base.services["activity-collector"].healthcheck;
    const overlay = parse(textOf(`${folder}/config.compose.yaml`));
    const port = overlay.extensions.health_check.endpoint.split(":").at(-1);
    const entrypoint = /^ENTRYPOINT \["([^"]+)"/m.exec(textOf("deploy/docker/Dockerfile"))?.[1];
    expect(command.slice(0, 2)).toEqual(["CMD", entrypoint]);
    expect(command.at(-1)).toContain(`http://127.0.0.1:${port}/ready`);
  });

  test("has a health check that fails unless the page answers 200", async () => {
    const { test: command } = base.services["activity-collector"].healthcheck;
    const options = command.slice(2, -1);
    const codes = [];
    for (const code of [200, 503]) {
      const server = createServer((_, response) => void response.writeHead(code).end());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const script = command.at(-1).replace(/:\d+\//, `:${port}/`);
      const child = spawn(process.execPath, [...options, script], { stdio: "ignore" });
      const [exitCode] = await once(child, "exit");
      server.close();
      codes.push(exitCode);
    }
    expect(codes).toEqual([0, 1]);
  });

  test("publishes ports to this host only", () => {
    const ports = [base, observability]
      .flatMap(({ services }) => Object.values<{ ports?: string[] }>(services))
      .flatMap(({ ports }) => ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) {
      expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test("hands the collector every config file its command names", () => {
    for (const files of [[base], [base, forward]]) {
      const services = files.map(({ services }) => services["activity-collector"]);
      const command: string[] = services.at(-1).command;
      const targets = services
        .flatMap(({ volumes }) => volumes)
        .filter((volume: string) => volume.startsWith("."))
        .map((volume: string) => volume.split(":")[1]);
      expect(command.map((argument) => argument.replace("--config=", "")).sort()).toEqual(
        targets.sort(),
      );
    }
  });
});

/** Where containers keep what the collector stores: the image has the folder, owned by its user. */
const state = "/var/lib/openclaw-activity-collector";

test("what the collector stores outlives its container, in a folder that the image has for it", () => {
  const { volumes } = base.services["activity-collector"];
  expect(volumes).toContain(`activity-collector-state:${state}`);
  expect(base.volumes).toHaveProperty("activity-collector-state");
  expect(textOf("deploy/docker/Dockerfile")).toMatch(
    new RegExp(`^COPY .*--chown=65532:65532 .* ${state}$`, "m"),
  );
});

describe("config for containers", () => {
  const overlay = parse(textOf(`${folder}/config.compose.yaml`));

  test("opens the metric pages and leaves OTLP on loopback", () => {
    expect(overlay).toEqual({
      extensions: {
        health_check: { endpoint: "0.0.0.0:13133" },
        file_storage: { directory: state },
      },
      exporters: { prometheus: { endpoint: "0.0.0.0:9464" } },
      service: { telemetry: { metrics: { endpoint: "0.0.0.0:8888" } } },
    });
  });

  test("is the same in Kubernetes", () => {
    expect(parse(textOf("deploy/kubernetes/component/config.kubernetes.yaml"))).toEqual(overlay);
  });

  test("opens the ports that Prometheus scrapes, on the service that holds the network", () => {
    const targets = prometheus.scrape_configs
      .flatMap((job: { static_configs: { targets: string[] }[] }) => job.static_configs)
      .flatMap(({ targets }: { targets: string[] }) => targets);
    expect(targets).toEqual(["openclaw-gateway:9464", "openclaw-gateway:8888"]);
    expect(Object.keys(base.services)).toContain("openclaw-gateway");
  });
});

describe("grafana's provisioning", () => {
  const provisioning = `${folder}/grafana/provisioning`;
  const [source] = parse(textOf(`${provisioning}/datasources/prometheus.yaml`)).datasources;
  const [provider] = parse(textOf(`${provisioning}/dashboards/openclaw.yaml`)).providers;

  test("has a data source with a fixed uid, whose interval is the scrape interval", () => {
    expect(source).toMatchObject({ uid: "openclaw-prometheus", url: "http://prometheus:9090" });
    expect(source.jsonData.timeInterval).toBe(prometheus.global.scrape_interval);
  });

  test("reads dashboards from where compose mounts them", () => {
    const volumes: string[] = observability.services.grafana.volumes;
    const mount = volumes.find((volume) => volume.split(":")[1] === provider.options.path);
    expect(mount).toBe("../../monitoring/dashboards:/var/lib/grafana-dashboards:ro");
    const home: string =
      observability.services.grafana.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
    expect(existsSync(pathOf(home.replace(provider.options.path, "monitoring/dashboards")))).toBe(
      true,
    );
  });
});
