import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { pathOf } from "../../support/repository.ts";

/** What it takes to run one version of OpenClaw. */
export interface InstalledOpenClaw {
  readonly version: string;
  /** Its folder in `node_modules`. */
  readonly folder: string;
  /** A Node that it accepts. */
  readonly node: string;
  /** The search path for everything it starts, with that Node first. */
  readonly path: string;
}

/**
 * The package `openclaw` of this version from npm, kept in `.cache/` (some 600 MB a version).
 * The first call of a version takes minutes. Rejects when npm fails.
 */
export async function installOpenClaw(version: string): Promise<InstalledOpenClaw> {
  const home = pathOf(`.cache/openclaw/${version}`);
  const folder = join(home, "node_modules", "openclaw");
  const node = nodeWithNpm();
  const path = `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}`;
  if (!existsSync(join(folder, "openclaw.mjs"))) {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ private: true }));
    await promisify(execFile)(
      "npm",
      ["install", "--no-audit", "--no-fund", "--save-exact", `openclaw@${version}`],
      { cwd: home, env: { ...process.env, PATH: path }, maxBuffer: 64 << 20 },
    );
  }
  return { version, folder, node, path };
}

/** OpenClaw up to 2026.4 installs its plugins' dependencies with an npm that lies beside the Node it runs on. */
function nodeWithNpm(): string {
  const folder = pathOf(".cache/openclaw/node");
  const node = join(folder, "node");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(node)) {
    const own = realpathSync(process.execPath);
    try {
      linkSync(own, node);
    } catch {
      copyFileSync(own, node);
    }
  }
  const npm = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((entry) => join(entry, "npm"))
    .find((candidate) => existsSync(candidate));
  if (npm !== undefined && !existsSync(join(folder, "npm"))) {
    symlinkSync(realpathSync(npm), join(folder, "npm"));
  }
  return node;
}
