import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { runProgram } from "../../src/cli/program.ts";
import { fakeHost } from "./fake-host.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const golden = (name: string) => join(root, "test", "testdata", "cli", name);
const deployed = join(root, "deploy", "config.yaml");
const forward = join(root, "deploy", "config.forward.yaml");

const folder = mkdtempSync(join(tmpdir(), "program-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Overrides that make every port a free one, and the storage one of its own: a collector may run beside the tests. */
const freePorts = [
  "receivers::otlp::protocols::http::endpoint: 127.0.0.1:0",
  "receivers::otlp::protocols::grpc::endpoint: 127.0.0.1:0",
  "exporters::prometheus::endpoint: 127.0.0.1:0",
  "service::telemetry::metrics::endpoint: 127.0.0.1:0",
  "extensions::health_check::endpoint: 127.0.0.1:0",
  `extensions::file_storage::directory: ${join(folder, "data")}`,
].flatMap((line) => ["--config", `yaml:${line}`]);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function runWith(args: readonly string[], env: Record<string, string> = {}) {
  const host = fakeHost(args, env);
  const exitCode = await runProgram(host);
  return { exitCode, ...host.written };
}

describe("the command line", () => {
  test("--version prints the version and nothing else", async () => {
    expect(await runWith(["--version"])).toEqual({
      exitCode: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
  });

  test("--help explains the commands and the exit codes", async () => {
    const { exitCode, stdout } = await runWith(["--help"]);
    expect(exitCode).toBe(0);
    await expect(stdout).toMatchFileSnapshot(golden("help.txt"));
  });

  test("replay --help explains what can be replayed", async () => {
    const { exitCode, stdout } = await runWith(["replay", "--help"]);
    expect(exitCode).toBe(0);
    await expect(stdout).toMatchFileSnapshot(golden("help-replay.txt"));
  });

  for (const [name, args, want] of [
    [
      "without a config it says how to name one",
      [],
      'Add one, e.g. "activity-collector --config config.yaml"',
    ],
    [
      "validate without a config says so too",
      ["validate"],
      "activity-collector validate --config config.yaml",
    ],
    ["a mistyped command gets a suggestion", ["runn", "--config", "x"], "Did you mean run?"],
    ["a command that is near nothing gets the list", ["foo"], "The commands are run, validate,"],
    [
      "a file after validate gets --config",
      ["validate", "a.yaml"],
      "validate takes no argument, but got 'a.yaml'. To name a configuration, write validate --config a.yaml.",
    ],
    ["a file after run gets --config", ["run", "a.yaml"], "write run --config a.yaml."],
    ["a file alone gets --config", ["./a"], "To run with this file, write --config ./a."],
    [
      "a second file after --config gets its own",
      ["--config", "a.yaml", "b.yaml"],
      "write run --config b.yaml.",
    ],
    ["an option with one dash gets the other", ["-config", "a.yaml"], "Write --config."],
    ["feature gates are said to be missing", ["--feature-gates=-x"], "there are no feature gates"],
    [
      "a value without an equal sign is refused in the Collector's words",
      ["--config", deployed, "--set", "key:name"],
      'invalid value "key:name" for flag --set: missing equal sign',
    ],
    ["a value without a config is not enough", ["--set", "a=b"], "No configuration is given."],
    ["a mistyped option gets a suggestion", ["--confg", "x"], "Did you mean --config?"],
    [
      "a mode there is not is refused",
      ["print-config", "--mode", "all"],
      "Allowed choices are redacted, unredacted.",
    ],
    [
      "replay needs something to replay",
      ["replay", "--config", deployed],
      "missing required argument 'paths'",
    ],
    [
      "a speed must be one",
      ["replay", "x.bin", "--config", deployed, "--speed", "fast"],
      'It must be a number above 0, e.g. 10, or "max".',
    ],
    [
      "a duration must be one",
      ["replay", "x.bin", "--config", deployed, "--settle", "5"],
      "--settle",
    ],
  ] satisfies readonly [string, readonly string[], string][]) {
    test(`${name}, with exit code 2`, async () => {
      const { exitCode, stdout, stderr } = await runWith(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(want);
    });
  }
});

test("components lists every type with its signals", async () => {
  const { exitCode, stdout } = await runWith(["components"]);
  expect(exitCode).toBe(0);
  await expect(stdout).toMatchFileSnapshot(golden("components.yaml"));
});

describe("validate", () => {
  test("says nothing about the configs we ship", async () => {
    const want = { exitCode: 0, stdout: "", stderr: "" };
    expect(await runWith(["validate", "--config", deployed])).toEqual(want);
    const both = ["validate", "--config", deployed, "--config", forward];
    expect(await runWith(both, { BACKEND_URL: "http://127.0.0.1:14318" })).toEqual(want);
  });

  test("accepts the old names of exporters, with a warning for each", async () => {
    const old = [
      "exporters: { otlphttp/a: { endpoint: 'http://127.0.0.1:1' }, otlp: { endpoint: '127.0.0.1:1', tls: { insecure: true } } }",
      "service: { pipelines: { traces/old: { receivers: [otlp], exporters: [otlphttp/a, otlp] } } }",
    ].flatMap((text) => ["--config", `yaml:${text}`]);
    const { exitCode, stderr } = await runWith(["validate", "--config", deployed, ...old]);
    expect({ exitCode, lines: stderr.trimEnd().split("\n") }).toEqual({
      exitCode: 0,
      lines: [
        '<yaml 2>:1:14 exporters.otlphttp/a: "otlphttp" alias is deprecated; use "otlp_http" instead.',
        '<yaml 2>:1:62 exporters.otlp: "otlp" alias is deprecated; use "otlp_grpc" instead.',
      ],
    });
  });

  test("names the option of the command line that has a mistake", async () => {
    const options = [
      ["--set", "exporters.debug.verbosity=secret"],
      ["--set", "exporters.debug.secrets=[secret"],
      ["--config", "yaml:exporters::debug::sampling_initial: secret"],
      ["--config", "yaml:exporters::debug::verbosity:secret"],
    ];
    const lines: string[] = [];
    for (const option of options) {
      const { stderr } = await runWith(["validate", "--config", deployed, ...option]);
      lines.push(stderr.split("\n")[0] ?? "");
    }
    expect(lines).toEqual([
      '--set exporters.debug.verbosity exporters.debug.verbosity: must be one of basic, normal, detailed, but is "secret".',
      expect.stringMatching(/^--set exporters\.debug\.secrets: /),
      "--config yaml:exporters::debug::sampling_initial exporters.debug.sampling_initial: must be a number, but is text.",
      '--config yaml:exporters::debug::verbosity: must be a map with the sections "receivers", "exporters", "service" and so on. Write a blank behind the colon between key and value.',
    ]);
  });

  test("tells every problem at once, where it is and what to write", async () => {
    const config = file(
      "broken.yaml",
      [
        "receivers:",
        "  otlp:",
        "    protocols:",
        "      http: { endpont: 127.0.0.1:1 }",
        "exporters:",
        "  debug:",
        "    verbosity: loud",
        "service:",
        "  pipelines:",
        "    traces:",
        "      receivers: [otpl]",
        "      exporters: [debug]",
        "",
      ].join("\n"),
    );
    const { exitCode, stdout, stderr } = await runWith(["validate", "--config", config]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(
        /broken\.yaml:4:\d+ receivers\.otlp\.protocols\.http\.endpont: .*"endpoint"/,
      ),
      expect.stringMatching(/broken\.yaml:7:\d+ exporters\.debug\.verbosity: /),
      expect.stringMatching(
        /broken\.yaml:11:\d+ service\.pipelines\.traces\.receivers\[0\]: .*"otlp"/,
      ),
      "The configuration has 3 problems. Every option is explained in docs/config.md.",
    ]);
  });

  test("tells what is allowed but probably not meant, and exits with 0", async () => {
    const unused = ["--config", "yaml:exporters::debug/unused::verbosity: basic"];
    const { exitCode, stderr } = await runWith(["validate", "--config", deployed, ...unused]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("no pipeline names it");
  });
});

describe("print-config", () => {
  const secret = "yaml:exporters::otlp_http::headers: { authorization: Bearer s3cret }";
  const args = ["print-config", "--config", deployed, "--config", forward, "--config", secret];
  const env = { BACKEND_URL: "http://127.0.0.1:14318" };

  test("prints the effective config without secrets", async () => {
    const { exitCode, stdout, stderr } = await runWith(args, env);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).not.toContain("s3cret");
    await expect(stdout).toMatchFileSnapshot(golden("print-config.yaml"));
  });

  test("has no endpoint of the own metrics beside readers, which replace it", async () => {
    const readers =
      "yaml:service::telemetry::metrics::readers: [{pull: {exporter: {prometheus: {}}}}]";
    const metricsOf = async (...more: readonly string[]) => {
      const { stdout } = await runWith(["print-config", "--config", deployed, ...more]);
      return parse(stdout).service.telemetry.metrics;
    };
    expect(await metricsOf()).toHaveProperty("endpoint");
    expect(await metricsOf("--config", readers)).not.toHaveProperty("endpoint");
    expect(await metricsOf("--config", readers)).toHaveProperty("readers");
  });

  test("has values of --set in it, which win wherever they are", async () => {
    const before = ["print-initial-config", "--set", "service.telemetry.logs.level=WARN"];
    const over = ["--config", "yaml:service::telemetry::logs::level: error"];
    const { exitCode, stdout } = await runWith([...before, "--config", deployed, ...over]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/logs:\n +level: warn\n/);
  });

  test("takes the whole config from a variable", async () => {
    const env = { CONFIG: readFileSync(deployed, "utf8") };
    const fromFile = await runWith(["print-config", "--config", deployed]);
    const fromVariable = await runWith(["print-config", "--config", "env:CONFIG"], env);
    expect(fromVariable).toEqual(fromFile);
  });

  test("prints secrets when asked to", async () => {
    const { stdout } = await runWith([...args, "--mode", "unredacted"], env);
    expect(stdout).toContain("s3cret");
  });

  test("prints JSON when asked to", async () => {
    const { stdout } = await runWith([...args, "--format", "json"], env);
    const config = JSON.parse(stdout);
    expect(config.exporters.otlp_http.endpoint).toBe("http://127.0.0.1:14318");
    expect(config.service.pipelines.traces.exporters).toEqual(["debug", "otlp_http"]);
  });

  test("prints what gives the same config again", async () => {
    const first = await runWith([...args, "--mode", "unredacted"], env);
    const again = file("again.yaml", first.stdout);
    const second = await runWith(["print-config", "--config", again, "--mode", "unredacted"]);
    expect(second.stdout).toBe(first.stdout);
  });
});

describe("run", () => {
  test("starts, says where it listens, and drains when told to", async () => {
    const host = fakeHost(["--config", deployed, ...freePorts]);
    const exitCode = runProgram(host);
    await host.said("Everything is ready. Begin running and processing data.");
    expect(host.written.stderr).toMatch(
      /Receiving OTLP over HTTP\.\t.*"endpoint": "127\.0\.0\.1:[1-9]/,
    );
    expect(host.written.stderr).toMatch(
      /Serving metrics for Prometheus\.\t.*"endpoint": "127\.0\.0\.1:[1-9]/,
    );
    expect(host.written.stderr).toMatch(
      /Serving the collector's own metrics\.\t.*"endpoint": "127\.0\.0\.1:[1-9]/,
    );
    host.signal("SIGTERM");
    expect(await exitCode).toBe(0);
    expect(host.written.stderr).toMatch(/Shutdown complete\.\n$/);
    expect(host.exits).toEqual([]);
  });

  test("logs as JSON when the config says so", async () => {
    const json = ["--config", "yaml:service::telemetry::logs::encoding: json"];
    const host = fakeHost(["run", "--config", deployed, ...freePorts, ...json]);
    const exitCode = runProgram(host);
    await host.said("Everything is ready.");
    host.signal("SIGINT");
    expect(await exitCode).toBe(0);
    const messages = host.written.stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    expect(messages).toContain("Receiving OTLP over HTTP.");
  });

  test("ends at once at a second signal", async () => {
    const host = fakeHost(["--config", deployed, ...freePorts]);
    const exitCode = runProgram(host);
    await host.said("Everything is ready.");
    host.signal("SIGINT");
    host.signal("SIGINT");
    expect(host.exits).toEqual([]);
    host.clock.advance(300);
    host.signal("SIGINT");
    expect(host.exits).toEqual([130]);
    await exitCode;
  });

  test("drains and exits with 3 when a fault reached nobody", async () => {
    const host = fakeHost(["--config", deployed, ...freePorts]);
    const exitCode = runProgram(host);
    await host.said("Everything is ready.");
    host.uncaught(new TypeError("session-4711 is not a function"));
    expect(await exitCode).toBe(3);
    expect(host.written.stderr).toContain("Stopping because of an unexpected exception.");
    expect(host.written.stderr).not.toContain("session-4711");
  });

  test("exits with 1 when a port is in use, and says which component wanted it", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const override = `yaml:receivers::otlp::protocols::http::endpoint: 127.0.0.1:${port}`;
    const { exitCode, stderr } = await runWith([
      "--config",
      deployed,
      ...freePorts,
      "--config",
      override,
    ]);
    await new Promise((resolve) => taken.close(resolve));
    expect(exitCode).toBe(1);
    expect(stderr.trimEnd().split("\n").at(-1)).toContain(
      `Cannot start receiver "otlp": Cannot listen on 127.0.0.1:${port}: the address is already in use.`,
    );
  });

  test("exits with 1 when the config is wrong", async () => {
    const { exitCode, stderr } = await runWith(["--config", join(folder, "nope.yaml")]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("nope.yaml");
  });
});
