import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parse } from "yaml";
import { components } from "../components.ts";
import { parseByteSize, parseDuration } from "../config/quantity.ts";
import type { Signal } from "../otlp/payload.ts";
import { printConfig } from "../service/config-print.ts";
import { commandLineMistake } from "./command-line-mistake.ts";
import { componentList } from "./component-list.ts";
import { exitCodes, exitCodesHelp } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { record } from "./record.ts";
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
    const mistake = commandLineMistake(host.args, program);
    if (mistake !== undefined) program.error(`error: ${mistake}`);
    // The old short name, before the Collector's.
    const args = host.args[0] === "-V" ? ["--version"] : host.args;
    await program.parseAsync([...args], { from: "user" });
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
    .version(programVersion(), "-v, --version")
    .exitOverride()
    .configureOutput({ writeOut: host.stdout, writeErr: host.stderr })
    .showSuggestionAfterError()
    .addHelpText("after", exitCodesHelp);

  program
    .command("run", { isDefault: true })
    .description(
      "run the collector until it gets SIGTERM or SIGINT (the default command); SIGHUP reloads the config",
    )
    .addOption(configOption())
    .addOption(setOption())
    .action(async (options: ConfigOption, command: Command) => {
      setExitCode(await run(host, needed(options, command)));
    });

  program
    .command("validate")
    .description("check a configuration and report every mistake")
    .addOption(configOption())
    .addOption(setOption())
    .action((options: ConfigOption, command: Command) => {
      setExitCode(validate(host, needed(options, command)));
    });

  program
    .command("components")
    .description("list the types of components, as YAML")
    .action(() => host.stdout(componentList(components, programVersion())));

  program
    .command("print-config")
    .alias("print-initial-config")
    .description("print the effective configuration: merged, expanded, with defaults")
    .addOption(configOption())
    .addOption(setOption())
    .addOption(
      new Option("--mode <mode>", "whether secrets are shown")
        .choices(["redacted", "unredacted"])
        .default("redacted"),
    )
    .addOption(
      new Option("--format <format>", "the notation").choices(["yaml", "json"]).default("yaml"),
    )
    .action((options: ConfigOption & { mode: string; format: string }, command: Command) => {
      const config = readConfig(host, needed(options, command));
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
    .addOption(setOption())
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
        const config = needed(options, command);
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

  program
    .command("record")
    .description(
      "run the collector and record what its receivers take in, for replay and for a support case: ids are hashed, content is left out",
    )
    .requiredOption(
      "--out <dir>",
      "the folder of the recording; it must not exist yet, or be empty",
    )
    .addOption(configOption())
    .addOption(setOption())
    .addOption(
      new Option("--duration <duration>", "how long to record; a stop signal ends it earlier")
        .argParser(parseRecordingTime)
        .default(10 * 60_000, "10m"),
    )
    .addOption(
      new Option("--max-size <size>", "the recording ends before it gets larger than this")
        .argParser(parseRecordingSize)
        .default(100 * 2 ** 20, "100MiB"),
    )
    .action(
      async (
        options: ConfigOption & { out: string; duration: number; maxSize: number },
        command: Command,
      ) => {
        const { out, duration, maxSize } = options;
        const config = needed(options, command);
        setExitCode(await record(host, { config, out, durationMs: duration, maxBytes: maxSize }));
      },
    );
  return program;
}

interface ConfigOption {
  readonly config?: readonly string[];
  readonly set?: readonly string[];
}

function configOption(): Option {
  return new Option(
    "-c, --config <source>",
    "a file, env:NAME for a variable with the configuration, or inline configuration as yaml:key::key: value; repeat it to merge several, later ones win",
  ).argParser((source: string, previous: readonly string[] | undefined) => [
    ...(previous ?? []),
    source,
  ]);
}

/** As in the Collector, `a.b=value` is short for `--config "yaml:a::b: value"`. */
function setOption(): Option {
  return new Option(
    "--set <key=value>",
    "one value, e.g. exporters.debug.verbosity=detailed; it wins over every --config",
  ).argParser((text: string, previous: readonly string[] | undefined) => {
    const equals = text.indexOf("=");
    if (equals < 0) {
      throw new InvalidArgumentError(
        `invalid value ${JSON.stringify(text)} for flag --set: missing equal sign; write key.path=value.`,
      );
    }
    const key = text.slice(0, equals).trim();
    if (key === "") {
      throw new InvalidArgumentError("missing key before the equal sign");
    }
    return [...(previous ?? []), `set:${text}`];
  });
}

/** There is no default, so that the command line shows which file applies. */
function needed({ config, set = [] }: ConfigOption, command: Command): readonly string[] {
  if (config !== undefined) {
    // After all --config, wherever it is on the command line, so that it wins.
    return [...config, ...set];
  }
  return command.error(
    `No configuration is given. Add one, e.g. "activity-collector ${command.name() === "run" ? "" : `${command.name()} `}--config config.yaml". An example is deploy/config.yaml in this package.`,
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

/** The longest timer of the runtime is a little longer than 576h. */
const longestRecordingMs = 576 * 3_600_000;
const smallestRecording = 64 * 1024;

function parseRecordingTime(text: string): number {
  const durationMs = parseSettle(text);
  if (durationMs < 1_000 || durationMs > longestRecordingMs) {
    throw new InvalidArgumentError("It must be at least 1s and at most 576h.");
  }
  return durationMs;
}

function parseRecordingSize(text: string): number {
  const parsed = parseByteSize(text);
  if (!parsed.ok) {
    throw new InvalidArgumentError(`It ${parsed.message}`);
  }
  if (parsed.value < smallestRecording) {
    throw new InvalidArgumentError("It must be at least 64KiB.");
  }
  return parsed.value;
}
