// One turn of the Codex CLI without a terminal, its two tools two commands of a shell, its model the scripted one.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const home = join(process.cwd(), "home");
mkdirSync(home, { recursive: true });
const otlp = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
writeFileSync(
  join(home, "config.toml"),
  `
model = "scripted-1"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.scripted]
name = "scripted"
base_url = "${process.env.OPENAI_BASE_URL}"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
[otel]
environment = "test"
exporter = { otlp-http = { endpoint = "${otlp}/v1/logs", protocol = "binary" } }
trace_exporter = { otlp-http = { endpoint = "${otlp}/v1/traces", protocol = "binary" } }
`,
);
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [
    "node_modules/@openai/codex/bin/codex.js",
    "exec",
    "--skip-git-repo-check",
    "What is it like in Oslo?",
  ],
  { encoding: "utf8", timeout: 50_000, env: { ...process.env, CODEX_HOME: home } },
);
process.stdout.write(`${stdout}${stderr}`);
process.exit(status ?? 1);
