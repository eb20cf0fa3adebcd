// One turn of Claude Code without a terminal, its two tools two commands of a shell, its model the scripted one.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const binary = createRequire(import.meta.url).resolve(
  `@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`,
);
const { status, stdout, stderr } = spawnSync(
  binary,
  ["-p", "What is it like in Oslo?", "--model", "scripted-1", "--allowedTools", "Bash(echo:*)"],
  {
    encoding: "utf8",
    timeout: 50_000,
    env: {
      ...process.env,
      ANTHROPIC_API_KEY: "none",
      ANTHROPIC_BASE_URL: process.env.OPENAI_BASE_URL.replace(/\/v1$/, ""),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_ENABLE_TELEMETRY: "1",
      CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
      DISABLE_AUTOUPDATER: "1",
      OTEL_LOGS_EXPORTER: "otlp",
      OTEL_TRACES_EXPORTER: "otlp",
    },
  },
);
process.stdout.write(`${stdout}${stderr}`);
process.exit(status ?? 1);
