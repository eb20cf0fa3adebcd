import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Container, lacksContainers, runContainer, statusOf } from "./image/container.ts";
import { type ImageConfig, layOutImage } from "./image/image-layout.ts";

const nobody = 65_532;
const traceId = "0af7651916cd43dd8448eb211c80319c";

let folder = "";
let image: ImageConfig;
const containers: Container[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "activity-collector-image-"));
  chmodSync(folder, 0o755);
  if (!lacksContainers) {
    image = layOutImage(join(folder, "rootfs"));
  }
});
afterEach(async () => {
  for (const container of containers.splice(0)) {
    container.kill("SIGKILL");
    await container.ended;
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(volume?: string): Container {
  const container = runContainer(image, volume);
  containers.push(container);
  return container;
}

async function start(volume: string): Promise<Container> {
  const container = run(volume);
  await container.said("Everything is ready");
  return container;
}

/** A volume as a runtime makes it: with the owner and permissions that the image has there. */
function makeVolume(name: string): string {
  const path = join(folder, name);
  const [mountPoint = ""] = image.volumes;
  const { uid, gid, mode } = statSync(join(image.rootfs, mountPoint));
  mkdirSync(path);
  chownSync(path, uid, gid);
  chmodSync(path, mode & 0o777);
  return path;
}

function span(spanId: string, name: string, more: object = {}) {
  return { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId, spanId, name, ...more }] }] }] };
}

describe.skipIf(lacksContainers)(
  "the image, with its own command and user on a read-only root",
  () => {
    test("serves OTLP, metrics and health, without any rights", async () => {
      const container = await start(makeVolume("served"));
      expect(
        statusOf(container.pid, ["Uid", "Gid", "Groups", "CapPrm", "CapEff", "NoNewPrivs"]),
      ).toEqual([
        `Uid: ${[nobody, nobody, nobody, nobody].join(" ")}`,
        `Gid: ${[nobody, nobody, nobody, nobody].join(" ")}`,
        "Groups:",
        "CapPrm: 0000000000000000",
        "CapEff: 0000000000000000",
        "NoNewPrivs: 1",
      ]);
      const sent = container.request(
        "http://127.0.0.1:4318/v1/traces",
        span("aaaaaaaaaaaaaaaa", "openclaw.run"),
      );
      expect(sent.status).toBe(200);
      for (const [url, text] of [
        ["http://127.0.0.1:9464/metrics", 'openclaw_session_activity_started_total{kind="run"} 1'],
        ["http://127.0.0.1:8888/metrics", "otelcol_receiver_accepted_spans"],
        ["http://127.0.0.1:13133/", "StatusOK"],
        ["http://127.0.0.1:13133/ready", "extension:file_storage"],
      ] as const) {
        const { status, body } = container.request(url);
        expect([url, status]).toEqual([url, 200]);
        expect(body).toContain(text);
      }
    });

    test("stores its state in the volume, and continues with it after a kill and after a stop", async () => {
      const volume = makeVolume("stored");
      const first = await start(volume);
      first.request("http://127.0.0.1:4318/v1/traces", span("aaaaaaaaaaaaaaaa", "openclaw.run"));
      first.request(
        "http://127.0.0.1:4318/v1/traces",
        span("bbbbbbbbbbbbbbbb", "openclaw.tool.execution", { parentSpanId: "aaaaaaaaaaaaaaaa" }),
      );
      expect(readdirSync(volume).sort()).toEqual(["lock", "processor_session_activity"]);
      expect(statSync(join(volume, "lock")).uid).toBe(nobody);
      first.kill("SIGKILL");
      await first.ended;

      for (const _ of ["after the kill", "after a stop"]) {
        const next = await start(volume);
        const { body } = next.request("http://127.0.0.1:9464/metrics");
        for (const kind of ["run", "tool"]) {
          expect(body).toContain(`openclaw_session_activity_open{kind="${kind}"} 1`);
          expect(body).toContain(`openclaw_session_activity_started_total{kind="${kind}"} 1`);
        }
        next.kill("SIGTERM");
        expect(await next.ended).toBe(0);
      }
    });

    test("says what to do when its volume cannot be written to", async () => {
      const container = run();
      expect(await container.ended).toBe(1);
      const [path] = image.volumes;
      expect(container.stderr()).toContain(
        `the directory ${path} cannot be written to (EROFS). ${path} is on a read-only file system. Mount a writable volume at ${path}, or name another directory.`,
      );
    });

    test("says whose the volume is when it belongs to another user", async () => {
      const volume = makeVolume("foreign");
      chownSync(volume, 0, 0);
      const container = run(volume);
      expect(await container.ended).toBe(1);
      const [path] = image.volumes;
      expect(container.stderr()).toContain(
        `the directory ${path} cannot be written to (EACCES). ${path} belongs to user 0, group 0 (mode 0700), and this program runs as user ${nobody}, group ${nobody}.`,
      );
    });
  },
);
