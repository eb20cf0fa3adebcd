import { readFileSync } from "node:fs";

/** The version of this file's package. The relative path of `package.json` is the same from `src/` and from `dist/`. */
export function programVersion(): string {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
