import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parse } from "yaml";
import { components } from "../components.ts";
import { parseDuration } from "../config/quantity.ts";
import type { Signal } from "../otlp/payload.ts";
import { printConfig } from "../service/config-print.ts";
import { componentList } from "./component-list.ts";
import { exitCodes, exitCodesHelp } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { replayCaptures } from "./replay-captures.ts";
import { run } from "./run.ts";
import { validate } from "./validate.ts";
import { programVersion } from "./version.ts";

/** Runs the command of the command line and resolves to the exit code. */
export async function runProgram(host: Host): Promise<number> {
  let exitCode: number = exitCodes.success;
  const program = createProgram(host, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...host.args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    }
    throw error;
  }
}

function createProgram(host: Host, setExitCode: (code: number) => void): Command {
  const program = new Command("activity-collector")
    .description(
      "Detects work of AI-agent sessions that has no owner any more. Receives OTLP, tracks the open work of every session, reports orphaned work in events and metrics, and forwards everything it receives.",
    )
    .version(programVersion())
    .exitOverride()
    .configureOutput({ writeOut: host.stdout, writeErr: host.stderr })
    .showSuggestionAfterError()
    .addHelpText("after", exitCodesHelp);

  program
    .command("run", { isDefault: true })
    .description("run the collector until it gets SIGTERM or SIGINT (the default command)")
    .addOption(configOption())
    .action(async ({ config }: ConfigOption, command: Command) => {
      setExitCode(await run(host, needed(config, command)));
    });

  program
    .command("validate")
    .description("check a configuration and report every mistake")
    .addOption(configOption())
    .action(({ config }: ConfigOption, command: Command) => {
      setExitCode(validate(host, needed(config, command)));
    });

  program
    .command("components")
    .description("list the types of components, as YAML")
    .action(() => host.stdout(componentList(components, programVersion())));

  program
    .command("print-config")
    .description("print the effective configuration: merged, expanded, with defaults")
    .addOption(configOption())
    .addOption(
      new Option("--mode <mode>", "whether secrets are shown")
        .choices(["redacted", "unredacted"])
        .default("redacted"),
    )
    .addOption(
      new Option("--format <format>", "the notation").choices(["yaml", "json"]).default("yaml"),
    )
    .action((options: ConfigOption & { mode: string; format: string }, command: Command) => {
      const config = readConfig(host, needed(options.config, command));
      if (config === undefined) {
        setExitCode(exitCodes.failure);
        return;
      }
      const yaml = printConfig(config, { unredacted: options.mode === "unredacted" });
      host.stdout(
        options.format === "yaml" ? yaml : `${JSON.stringify(parse(yaml), undefined, 2)}\n`,
      );
    });

  program
    .command("replay")
    .description(
      "feed recorded OTLP requests through the pipelines, send nothing, and print the evictions and metrics",
    )
    .argument(
      "<paths...>",
      "folders with an index.jsonl, or single bodies (.bin for protobuf, .json)",
    )
    .addOption(configOption())
    .addOption(
      new Option("--speed <factor>", 'how many times faster than recorded, or "max"')
        .argParser(parseSpeed)
        .default(1, "1"),
    )
    .addOption(
      new Option(
        "--signal <signal>",
        "the signal of bodies whose name does not contain it",
      ).choices(["traces", "metrics", "logs"]),
    )
    .addOption(
      new Option("--settle <duration>", "how long the clock runs on after the last request")
        .argParser(parseSettle)
        .default(60_000, "60s"),
    )
    .action(
      async (
        paths: string[],
        options: ConfigOption & { speed: number; signal?: Signal; settle: number },
        command: Command,
      ) => {
        const { speed, signal, settle } = options;
        const config = needed(options.config, command);
        setExitCode(
          await replayCaptures(host, paths, {
            config,
            speed,
            settleMs: settle,
            ...(signal === undefined ? {} : { signal }),
          }),
        );
      },
    );
  return program;
}

interface ConfigOption {
  readonly config?: readonly string[];
}

function configOption(): Option {
  return new Option(
    "-c, --config <source>",
    "a file, or inline configuration as yaml:key::key: value; repeat it to merge several, later ones win",
  ).argParser((source: string, previous: readonly string[] | undefined) => [
    ...(previous ?? []),
    source,
  ]);
}

/** There is no default, so that the command line shows which file applies. */
function needed(sources: readonly string[] | undefined, command: Command): readonly string[] {
  return (
    sources ??
    command.error(
      `No configuration is given. Add one, e.g. "activity-collector ${command.name() === "run" ? "" : `${command.name()} `}--config config.yaml". An example is deploy/config.yaml in this package.`,
    )
  );
}

function parseSpeed(text: string): number {
  if (text === "max") {
    return Number.POSITIVE_INFINITY;
  }
  const factor = Number(text);
  if (!(Number.isFinite(factor) && factor > 0)) {
    throw new InvalidArgumentError('It must be a number above 0, e.g. 10, or "max".');
  }
  return factor;
}

function parseSettle(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) {
    throw new InvalidArgumentError(`It ${parsed.message}`);
  }
  return parsed.value;
}
