import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isSkippedWithout } from "../../support/external-tool.ts";
import { pathOf } from "../../support/repository.ts";
import { type Peer, peers } from "./peers.ts";

/** Commands that install or build a program in the folder it was copied to, and the one that runs it. */
interface Recipe {
  readonly build: readonly (readonly string[])[];
  readonly run: (home: string) => readonly string[];
}

const recipes: Readonly<Record<string, Recipe>> = {
  javascript: {
    build: [["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]],
    run: (home) => [pathOf("node_modules/.bin/node"), join(home, "client.mjs")],
  },
  python: {
    build: [
      ["python3", "-m", "venv", "venv"],
      [
        "venv/bin/pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        "requirements.txt",
      ],
    ],
    run: (home) => [join(home, "venv/bin/python"), join(home, "client.py")],
  },
  go: {
    build: [["go", "build", "-o", "client", "."]],
    run: (home) => [join(home, "client")],
  },
  java: {
    build: [
      [
        "mvn",
        "--quiet",
        "--batch-mode",
        "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
        "-DoutputDirectory=lib",
        "-DincludeScope=runtime",
      ],
      ["javac", "-cp", "lib/*", "-d", "classes", "Client.java"],
    ],
    run: (home) => ["java", "-cp", `${join(home, "lib/*")}:${join(home, "classes")}`, "Client"],
  },
  rust: {
    build: [["cargo", "build", "--quiet"]],
    run: (home) => [join(home, "target/debug/peer-client")],
  },
};

/** The peers of this run: with PEERS=all every one, else those of the system tests. Without those whose tools are missing, which it says. */
export const testedPeers: readonly Peer[] = peers.filter(
  ({ language, tools, isInSystemTests }) =>
    (isInSystemTests || process.env["PEERS"] === "all") &&
    !isSkippedWithout(`the SDK for ${language}`, problemsOf(tools)),
);

function problemsOf(tools: readonly string[]): readonly string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const isThere = (tool: string) => folders.some((folder) => existsSync(join(folder, tool)));
  const lacksVenv =
    tools.includes("python3") &&
    spawnSync("python3", ["-c", "import ensurepip, venv"]).status !== 0;
  return tools
    .filter((tool) => !isThere(tool))
    .concat(lacksVenv ? ["venv of python3"] : [])
    .map(
      (tool) => `${tool} was not found. scripts/install-test-tools.sh says which package has it.`,
    );
}

/**
 * Builds a peer's program in `.cache/clients`, unless it is there as it is in the repository. Returns the command that runs it. Throws with what the build
 * said when it fails.
 */
export function build({ name }: Peer): readonly string[] {
  const recipe = recipes[name];
  if (recipe === undefined) {
    throw new Error(`Nothing says how the program of ${name} is built.`);
  }
  const source = pathOf(`test/system/clients/${name}`);
  const home = pathOf(`.cache/clients/${name}`);
  const stamp = join(home, ".built");
  const wanted = digestOf(source, recipe);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    mkdirSync(home, { recursive: true });
    cpSync(source, home, { recursive: true });
    for (const command of recipe.build) {
      execute(command, home);
    }
    writeFileSync(stamp, wanted);
  }
  return recipe.run(home);
}

function digestOf(folder: string, recipe: Recipe): string {
  const digest = createHash("sha256").update(JSON.stringify(recipe.build)).update(process.arch);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      digest.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)));
    }
  }
  return digest.digest("hex");
}

function execute([program = "", ...args]: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    timeout: 600_000,
    env: {
      ...process.env,
      PATH: [pathOf("node_modules/node/bin"), process.env["PATH"]].join(delimiter),
    },
  });
  if (status !== 0) {
    throw new Error(
      `"${[program, ...args].join(" ")}" failed in ${cwd}:\n${stdout}${stderr}${error ?? ""}`,
    );
  }
}
