import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runProgram } from "../../src/cli/program.ts";
import { components } from "../../src/components.ts";
import { fakeHost } from "../cli/fake-host.ts";
import { setupOf } from "../contract/component-setups.ts";
import { type SchemaNode, secretPaths } from "../support/secret-paths.ts";
import { CanaryMint, randomOf } from "./canary-mint.ts";
import { badConfigs } from "./config-canaries.ts";
import { LeakSearch } from "./leak-search.ts";

const mint = new CanaryMint(randomOf(Number(process.env["LEAK_SEED"] ?? 1)));

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leaks-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const base = `
receivers: {otlp: {protocols: {http: {}}}, otlp/token: {protocols: {http: {}}}, otlp_json_file: {include: [a]}}
exporters: {otlp_http/received: {endpoint: "http://127.0.0.1:1"}, otlp_grpc/received: {endpoint: "127.0.0.1:1"}, debug/basic: {}}
extensions: {file_storage: {}, bearer_token_auth: {token: a}, basic_auth: {htpasswd: {inline: "a:b"}}}
service:
  extensions: [file_storage, bearer_token_auth, basic_auth]
  pipelines: {logs: {receivers: [otlp, otlp/token, otlp_json_file], exporters: [otlp_http/received, otlp_grpc/received, debug/basic]}}
`;

async function printed(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const host = fakeHost(args, env);
  await runProgram(host);
  return host.written.stdout + host.written.stderr;
}

function config(name: string, text: string): readonly string[] {
  writeFileSync(join(folder, name), text);
  return ["--config", join(folder, name)];
}

test("no command prints a secret of a config that is wrong, from the file or from a variable", async () => {
  const env = { LEAK_SECRET_0: mint.secret("a variable") };
  const texts: string[] = [];
  for (const [at, extra] of badConfigs(mint).entries()) {
    const both = [...config("base.yaml", base), ...config(`bad-${at}.yaml`, extra)];
    const text = await printed(["validate", ...both], env);
    texts.push(text, await printed(["print-config", ...both], env));
    texts.push(await printed(["print-config", "--format", "json", ...both], env));
  }
  // They were wrong.
  expect(texts.filter((text) => text.includes("problem")).length).toBeGreaterThan(60);
  const found = new LeakSearch(mint.canaries).findIn("stderr", Buffer.from(texts.join("\n")));
  expect(found.map(({ canary, excerpt }) => `${canary.origin}: ${excerpt}`)).toEqual([]);
});

function nested(path: readonly (string | number)[], value: unknown): unknown {
  return path.reduceRight<unknown>(
    (inner, part) => (typeof part === "number" ? [inner] : { [part]: inner }),
    value,
  );
}

test("no secret option of any component is shown by print-config, nor in an error, whatever is written there", async () => {
  const texts: string[] = [];
  let secrets = 0;
  for (const factory of components) {
    const schema = z.toJSONSchema(factory.schema, {
      io: "input",
      unrepresentable: "any",
    }) as SchemaNode;
    for (const path of secretPaths(schema)) {
      secrets += 1;
      const origin = `${factory.kind} ${factory.type} ${path.join(".")}`;
      const setup = { folder, backendUrl: "http://127.0.0.1:1", grpcEndpoint: "127.0.0.1:1" };
      const section = setupOf(factory).section(setup);
      for (const value of [
        mint.secret(origin),
        [mint.secret(`${origin} in a list`)],
        { a: mint.secret(`${origin} in a map`) },
        `${mint.secret(`${origin} with a line break`)}\n`,
      ]) {
        const overlay = { [`${factory.kind}s`]: { [factory.type]: nested(path, value) } };
        const sources = [
          ...config("base.yaml", base),
          ...config(
            "one.yaml",
            JSON.stringify({ [`${factory.kind}s`]: { [factory.type]: section } }),
          ),
          ...config("secret.yaml", JSON.stringify(overlay)),
        ];
        texts.push(await printed(["print-config", ...sources]));
      }
    }
  }
  expect(secrets).toBeGreaterThan(15);
  const found = new LeakSearch(mint.canaries).findIn("stdout", Buffer.from(texts.join("\n")));
  expect(found.map(({ canary, excerpt }) => `${canary.origin}: ${excerpt}`)).toEqual([]);
});
