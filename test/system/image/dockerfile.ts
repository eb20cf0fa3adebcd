import { textOf } from "../../support/repository.ts";

/** An instruction of a Dockerfile: its name, its flags (`--from=build` → `from: build`) and the words after them, without quotes. */
export interface Instruction {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

/** The instructions of the last stage of `deploy/docker/Dockerfile`, the one that becomes the image. */
export function lastStage(): readonly Instruction[] {
  const instructions = textOf("deploy/docker/Dockerfile")
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(parsed);
  return instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
}

function parsed(line: string): Instruction {
  const [name = "", ...rest] = line.trim().split(/\s+/);
  const json = line.slice(name.length).trim();
  if (json.startsWith("[")) {
    return { name, flags: {}, words: JSON.parse(json) };
  }
  if (name === "ENV") {
    const pairs = json.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g);
    return {
      name,
      flags: {},
      words: [...pairs].map(([, key, text, word]) => `${key}=${text ?? word}`),
    };
  }
  const flags = rest
    .filter((word) => word.startsWith("--"))
    .map((word) => word.slice(2).split("=", 2));
  return {
    name,
    flags: Object.fromEntries(flags),
    words: rest.filter((word) => !word.startsWith("--")),
  };
}
