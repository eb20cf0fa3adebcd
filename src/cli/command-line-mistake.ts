import type { Command } from "commander";
import { nearestName } from "../config/nearest-name.ts";

/**
 * What a user probably meant by a command line that the parser would refuse with a sentence of no help, or `undefined`: a misspelled
 * command, a file without `--config`, or an option of the Collector that is not here.
 */
export function commandLineMistake(args: readonly string[], program: Command): string | undefined {
  const gates = args.find((arg) => /^--?feature-gates(=|$)/.test(arg));
  if (gates !== undefined) {
    return "there are no feature gates: every feature is on or has an option in the configuration. Remove --feature-gates.";
  }
  // The Collector's library of flags also takes options with one dash.
  const short = args.find((arg) => /^-(config|set|version|help)(=|$)/.test(arg));
  if (short !== undefined) return `unknown option '${short}'. Write -${short}.`;
  const [first, ...rest] = args;
  const names = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  if (first === undefined || first.startsWith("-")) {
    return strayFile(args, "run");
  }
  if (names.includes(first)) {
    return ["run", "validate", "print-config", "print-initial-config"].includes(first)
      ? strayFile(rest, first)
      : undefined;
  }
  if (first === "help") return undefined;
  if (first === "featuregate") return "there are no feature gates, and no command for them.";
  if (isFile(first)) {
    return `'${first}' is not a command. To run with this file, write --config ${first}.`;
  }
  const meant = nearestName(first, names);
  return `unknown command '${first}'${meant === undefined ? `. The commands are ${program.commands.map((command) => command.name()).join(", ")}.` : `. Did you mean ${meant}?`}`;
}

/** A file that is not the value of an option, and what to write instead. */
function strayFile(args: readonly string[], command: string): string | undefined {
  const stray = args.find((arg, index) => {
    const before = args[index - 1] ?? "";
    const isValue = before.startsWith("-") && !before.includes("=");
    return !arg.startsWith("-") && !isValue;
  });
  if (stray === undefined) return undefined;
  return `${command} takes no argument, but got '${stray}'. To name a configuration, write ${command} --config ${stray}.`;
}

function isFile(text: string): boolean {
  return /[/\\]|\.(ya?ml|json)$/i.test(text) || /^(yaml|file|env|https?):/.test(text);
}
