import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { pathOf, textOf } from "../support/repository.ts";

const dockerfile = textOf("deploy/docker/Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, " ")
  .split("\n")
  .filter((line) => line !== "");

/** What the last stage runs as, after all of a kind of instruction. */
function last(instruction: string): string | undefined {
  return dockerfile.findLast((line) => line.startsWith(`${instruction} `));
}

test("the image runs as a numbered user without rights, on a base that can be exchanged", () => {
  expect(last("USER")).toBe("USER 65532:65532");
  expect(last("FROM")).toBe(`FROM \${RUNTIME_IMAGE}`);
});

test("what the image starts is what the package declares as its program", () => {
  const program = JSON.parse(textOf("package.json")).bin["activity-collector"];
  expect(last("ENTRYPOINT")).toBe(`ENTRYPOINT ["/nodejs/bin/node", "/app/${program}"]`);
});

test("the image stores in its volume, which is a folder of its user", () => {
  const [, volume] = last("VOLUME")?.split(" ") ?? [];
  const folder = dockerfile.find((line) => line.startsWith("COPY ") && line.endsWith(` ${volume}`));
  expect(folder).toContain("--chown=65532:65532");
  expect(last("ENV")).toContain(`ACTIVITY_COLLECTOR_STATE_DIRECTORY=${volume}`);
  expect(parse(textOf("deploy/config.yaml")).extensions.file_storage.directory).toContain(
    `\${env:ACTIVITY_COLLECTOR_STATE_DIRECTORY:-`,
  );
});

test("everything copied from the repository exists and passes .dockerignore", () => {
  const allowed = textOf(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const sources = dockerfile
    .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
    .flatMap((line) => line.split(" ").slice(1, -1));
  expect(sources.length).toBeGreaterThan(4);
  for (const source of sources) {
    expect(allowed, source).toContain(source.startsWith("deploy/") ? "deploy" : source);
    if (!source.includes("*")) {
      expect(existsSync(pathOf(source)), source).toBe(true);
    }
  }
});

test("the image's Kubernetes user is the image's own", () => {
  const sidecar = parse(textOf("deploy/kubernetes/component/sidecar.yaml"));
  const [container] = sidecar.spec.template.spec.initContainers;
  const { runAsUser, runAsGroup } = container.securityContext;
  expect(last("USER")).toBe(`USER ${runAsUser}:${runAsGroup}`);
});
