import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";

/**
 * The version of the copy of `@opentelemetry/api` that is calling, found by the files on the call stack.
 * Undefined if it is part of a bundle.
 */
export function versionOfCallingApi(): string | undefined {
  for (const { scriptName } of getCallSites(12)) {
    const version = versionOfApiAt(pathOf(scriptName));
    if (version !== undefined) {
      return version;
    }
  }
  return undefined;
}

const versions = new Map<string, string | undefined>();

function versionOfApiAt(file: string): string | undefined {
  if (versions.has(file)) {
    return versions.get(file);
  }
  const version = nearestManifestVersion(dirname(file));
  versions.set(file, version);
  return version;
}

function nearestManifestVersion(folder: string): string | undefined {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    const manifest = manifestIn(at);
    // A package may contain manifests without a name, which only set the module format of its files.
    if (manifest?.name !== undefined) {
      return manifest.name === "@opentelemetry/api" ? manifest.version : undefined;
    }
  }
  return undefined;
}

function manifestIn(
  folder: string,
): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  } catch {
    return undefined;
  }
}

function pathOf(scriptName: string): string {
  try {
    return scriptName.startsWith("file:") ? fileURLToPath(scriptName) : scriptName;
  } catch {
    return scriptName;
  }
}
