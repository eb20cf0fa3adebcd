import { readFileSync } from "node:fs";

/** The version of the package this file belongs to. Its place is the same in `src/` and in `dist/`. */
export function programVersion(): string {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
