import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { CaptureKeys } from "../../src/cli/capture-keys.ts";
import { runProgram } from "../../src/cli/program.ts";
import { checkedConfig } from "../../src/cli/read-config.ts";
import { supportConfig } from "../../src/cli/support-config.ts";
import { components } from "../../src/components.ts";
import { setupOf } from "../contract/component-setups.ts";
import { captureFolder } from "../support/captures.ts";
import { pathOf } from "../support/repository.ts";
import { type SchemaNode, secretPaths } from "../support/secret-paths.ts";
import { fakeHost } from "./fake-host.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "support-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const keys = new CaptureKeys({ sessions: [], work: [] });
const inline = (section: unknown) => {
  writeFileSync(join(folder, "section.yaml"), JSON.stringify(section));
  return ["--config", join(folder, "section.yaml")];
};
const base = pathOf("deploy/config.yaml");

/** The support config of the shipped one with `section` on it; undefined if that one is wrong. */
function supported(section: unknown): string | undefined {
  const [, overlay = ""] = inline(section);
  const checked = checkedConfig(fakeHost([]), [base, overlay]);
  return checked.ok ? supportConfig(checked.config, keys) : undefined;
}

async function validated(text: string): Promise<string> {
  writeFileSync(join(folder, "support.yaml"), text);
  const host = fakeHost(["validate", "--config", join(folder, "support.yaml")]);
  const exitCode = await runProgram(host);
  return exitCode === 0 ? "" : host.written.stderr;
}

const twoClients = {
  bearer_token_auth: {
    clients: [
      { name: "gateway-alice", token: "CANARY-a" },
      { name: "gateway-bob", tokens: ["CANARY-b", "CANARY-c"] },
    ],
  },
  "bearer_token_auth/tokens": { tokens: ["CANARY-d", "CANARY-e"] },
};

describe("the config of a recording", () => {
  test("can be replayed when it has several clients with tokens", async () => {
    const text = supported({ extensions: twoClients }) ?? "";
    expect(text).not.toMatch(/CANARY|alice|bob/);
    writeFileSync(join(folder, "support.yaml"), text);
    const host = fakeHost([
      "replay",
      captureFolder("v430-orphan-tool"),
      "--config",
      join(folder, "support.yaml"),
      "--speed",
      "max",
    ]);
    expect(await runProgram(host), host.written.stderr).toBe(0);
  });

  test("has nothing of the user's own rules of redaction but keys that are known", async () => {
    const text =
      supported({
        processors: {
          redaction: {
            allow_all_keys: true,
            allowed_keys: ["alice.allowed", "session.id"],
            ignored_keys: ["alice.ignored"],
            ignored_key_patterns: ["alice_[0-9]+"],
            blocked_key_patterns: ["alice.*"],
            blocked_values: ["customer-alice-[0-9]+", "alice"],
            allowed_values: ["alice"],
            masking_string: "alice",
            url_sanitizer: { enabled: false, attributes: ["alice.url"] },
            hmac_key: "0123456789abcdef0123456789CANARY",
            rules: [
              { name: "alice_rule", action: "mask", keys: ["alice.key", "openclaw.sessionKey"] },
              { name: "alice_two", action: "hash", key_patterns: ["alice"], values: ["alice"] },
            ],
          },
        },
      }) ?? "";
    expect(text).not.toMatch(/alice|CANARY/);
    const { redaction } = (parse(text) as { processors: Record<string, Record<string, unknown>> })
      .processors;
    expect(redaction?.["allowed_keys"]).toContain("session.id");
    expect(JSON.stringify(redaction?.["rules"])).toContain("openclaw.sessionKey");
    expect(await validated(text)).toBe("");
  });

  test("has no users, no labels, and of names with ids only placeholders that still fit together", async () => {
    const id = "0f3c2a1b-4d5e-4f60-8172-93a4b5c6d7e8";
    const text =
      supported({
        extensions: {
          "basic_auth/client": { client_auth: { username: "alice", password: "CANARY" } },
          "file_storage/home": { directory: "/home/alice/data" },
        },
        exporters: {
          [`otlp_http/${id}`]: {
            endpoint: `https://${id}.example.com:4318/alice`,
            traces_endpoint: `https://h/alice?x=alice`,
            tls: { cert_pem: "CANARY", key_pem: "CANARY" },
          },
          "file/a": { path: "/Users/alice/a.json" },
          "file/b": { path: "C:\\Users\\alice\\b.json" },
          prometheus: { const_labels: { owner: "alice" } },
        },
        service: {
          telemetry: {
            resource: { "deployment.environment.name": "prod-alice", shard: 4711 },
            logs: { initial_fields: { owner: "alice", shard: 4711 } },
          },
          pipelines: {
            [`traces/${id}`]: { receivers: ["otlp"], exporters: [`otlp_http/${id}`, "file/a"] },
          },
        },
      }) ?? "";
    expect(text).not.toMatch(/alice|CANARY|0f3c2a1b|4711/);
    expect(text).toContain("/a.json");
    expect(await validated(text)).toBe("");
  });

  test("says of no secret that it is a real one", () => {
    const text = supported({
      processors: { session_activity: { session_ref_key: "0123456789abcdef0123456789CANARY" } },
    });
    expect((parse(text ?? "") as { processors: Record<string, object> }).processors).toHaveProperty(
      "session_activity.session_ref_key",
      expect.stringMatching(/^(?:REDACTED_\d-?)+$/),
    );
  });
});

/** `section` with a value at a path; lists get it twice, in two forms. */
function withSecret(section: unknown, path: readonly (string | number)[], secret: string): unknown {
  const [part, ...rest] = path;
  if (part === undefined) {
    return secret;
  }
  if (typeof part === "number") {
    return [withSecret({}, rest, secret), withSecret({}, rest, `${secret}2`)];
  }
  const members = typeof section === "object" && section !== null ? section : {};
  return { ...members, [part]: withSecret(Reflect.get(members, part), rest, secret) };
}

test("the config of a recording is valid whatever secret option of a component is set", async () => {
  let secrets = 0;
  for (const factory of components) {
    const schema = z.toJSONSchema(factory.schema, {
      io: "input",
      unrepresentable: "any",
    }) as SchemaNode;
    const setup = { folder, backendUrl: "http://127.0.0.1:1", grpcEndpoint: "127.0.0.1:1" };
    for (const path of secretPaths(schema)) {
      for (const secret of [
        "0123456789abcdef0123456789CANARY",
        "http://u:0123456789abcdefCANARY@h:1",
      ]) {
        const section = withSecret(setupOf(factory).section(setup), path, secret);
        const text = supported({ [`${factory.kind}s`]: { [`${factory.type}/a`]: section } });
        if (text !== undefined) {
          secrets += 1;
          expect(text).not.toContain("CANARY");
          expect(await validated(text), `${factory.type} ${path.join(".")}`).toBe("");
        }
      }
    }
  }
  expect(secrets).toBeGreaterThan(14);
});

test("print-config shows no name of a client, unless it is asked for secrets", async () => {
  const print = async (...args: readonly string[]) => {
    const host = fakeHost([
      "print-config",
      "--config",
      base,
      ...inline({ extensions: twoClients }),
      ...args,
    ]);
    expect(await runProgram(host), host.written.stderr).toBe(0);
    return host.written.stdout;
  };
  expect(await print()).not.toMatch(/alice|bob|CANARY/);
  expect(await print("--format", "json")).not.toMatch(/alice|bob|CANARY/);
  expect(await print("--mode", "unredacted")).toContain("gateway-alice");
});
