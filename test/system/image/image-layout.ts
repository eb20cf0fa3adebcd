import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { pathOf } from "../../support/repository.ts";
import { type Instruction, lastStage } from "./dockerfile.ts";

/** What a container runtime takes from an image besides its files. */
export interface ImageConfig {
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly gid: number;
  readonly volumes: readonly string[];
}

/**
 * Makes the files of the image in a directory by following the last stage of the Dockerfile: what it copies from the repository, what
 * its other stages make (the build, the packages that the program needs, as installed here), and of the base image what a program
 * needs of it. An instruction that it does not know is an error, so that the layout does not differ from the image unnoticed.
 */
export function layOutImage(rootfs: string): ImageConfig {
  execFileSync(process.execPath, [pathOf("scripts/build.mjs")], { stdio: "pipe" });
  layOutBase(rootfs);
  let workingDirectory = "/";
  let [uid, gid] = [0, 0];
  let [entrypoint, command]: (readonly string[])[] = [[], []];
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  };
  const volumes: string[] = [];
  for (const instruction of lastStage()) {
    const { name, words } = instruction;
    switch (name) {
      case "FROM":
      case "LABEL":
        break;
      case "WORKDIR":
        workingDirectory = posix.resolve(workingDirectory, words[0] ?? "");
        mkdirSync(join(rootfs, workingDirectory), { recursive: true });
        break;
      case "COPY":
        copy(instruction, { rootfs, workingDirectory });
        break;
      case "ENV":
        for (const word of words) {
          env[word.slice(0, word.indexOf("="))] = word.slice(word.indexOf("=") + 1);
        }
        break;
      case "VOLUME":
        volumes.push(...words);
        break;
      case "USER":
        [uid = 0, gid = 0] = (words[0] ?? "").split(":").map(Number);
        break;
      case "ENTRYPOINT":
        entrypoint = words;
        break;
      case "CMD":
        command = words;
        break;
      default:
        throw new Error(`The layout does not know the instruction ${name}.`);
    }
  }
  return {
    rootfs,
    command: [...(entrypoint ?? []), ...(command ?? [])],
    env,
    workingDirectory,
    uid,
    gid,
    volumes,
  };
}

/** The program at the path of the base image, with the libraries that it loads, and the folders that a runtime mounts on. */
function layOutBase(rootfs: string): void {
  for (const folder of ["dev", "proc", "tmp", "nodejs/bin"]) {
    mkdirSync(join(rootfs, folder), { recursive: true });
  }
  const node = realpathSync(pathOf("node_modules/node/bin/node"));
  cpSync(node, join(rootfs, "nodejs/bin/node"));
  const libraries = execFileSync("ldd", [node], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g);
  for (const [, library = ""] of libraries) {
    mkdirSync(join(rootfs, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(rootfs, library));
  }
}

function copy(
  { flags, words }: Instruction,
  { rootfs, workingDirectory }: { readonly rootfs: string; readonly workingDirectory: string },
): void {
  const destination = words.at(-1) ?? "";
  const target = join(rootfs, posix.resolve(workingDirectory, destination));
  for (const source of words.slice(0, -1)) {
    const to = destination.endsWith("/") ? join(target, basename(source)) : target;
    mkdirSync(dirname(to), { recursive: true });
    switch (flags["from"] === undefined ? undefined : `${flags["from"]}:${source}`) {
      case undefined:
        cpSync(pathOf(source), to, { recursive: true });
        break;
      case "dependencies:/app/node_modules":
        copyPackages(to);
        break;
      case "build:/build/package.json":
      case "build:/build/dist":
        cpSync(pathOf(basename(source)), to, { recursive: true });
        break;
      case "build:/build/state":
        mkdirSync(to, { recursive: true });
        break;
      default:
        throw new Error(`The layout does not know where ${source} comes from.`);
    }
    if (flags["chmod"] !== undefined) {
      chmodSync(to, Number.parseInt(flags["chmod"], 8));
    }
    const [uid = 0, gid = 0] = (flags["chown"] ?? "0:0").split(":").map(Number);
    changeOwner(to, uid, gid);
  }
}

/** The packages that an installation without those for development has. */
function copyPackages(to: string): void {
  const lock: { packages: Record<string, { dev?: boolean; link?: boolean }> } = JSON.parse(
    readFileSync(pathOf("package-lock.json"), "utf8"),
  );
  for (const [path, { dev, link }] of Object.entries(lock.packages)) {
    const isNeeded = path.startsWith("node_modules/") && dev !== true && link !== true;
    if (isNeeded && existsSync(pathOf(path))) {
      const target = join(to, path.slice("node_modules/".length));
      cpSync(pathOf(path), target, {
        recursive: true,
        // A package inside another one is an entry of its own.
        filter: (from) => from === pathOf(path) || basename(from) !== "node_modules",
      });
    }
  }
}

function changeOwner(path: string, uid: number, gid: number): void {
  chownSync(path, uid, gid);
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) {
      if (!lstatSync(join(path, name)).isSymbolicLink()) {
        changeOwner(join(path, name), uid, gid);
      }
    }
  }
}
