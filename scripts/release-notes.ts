// Turns the fragments of changelog.d into a section of CHANGELOG.md and deletes them.
// Usage: node scripts/release-notes.ts 0.2.0 2026-12-01
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const kinds = ["added", "changed", "fixed", "removed", "security"] as const;
const root = join(import.meta.dirname, "..");
const folder = join(root, "changelog.d");
const [version, date] = process.argv.slice(2);

if (version === undefined || !/^\d+\.\d+\.\d+/.test(version) || date === undefined) {
  console.error("Usage: node scripts/release-notes.ts VERSION DATE, e.g. 0.2.0 2026-12-01.");
  process.exit(2);
}

const fragments = readdirSync(folder).filter((name) => name.endsWith(".md"));
const unknown = fragments.filter((name) => !kinds.some((kind) => name.endsWith(`.${kind}.md`)));
if (fragments.length === 0 || unknown.length > 0) {
  console.error(
    fragments.length === 0
      ? "There is no fragment in changelog.d."
      : `These files are not named NAME.KIND.md with a kind of ${kinds.join(", ")}: ${unknown.join(", ")}.`,
  );
  process.exit(1);
}

const sections = kinds.flatMap((kind) => {
  const notes = fragments
    .filter((name) => name.endsWith(`.${kind}.md`))
    .map((name) => readFileSync(join(folder, name), "utf8").trim())
    .map((note) => `- ${note.replaceAll("\n", "\n  ")}`);
  const title = kind.charAt(0).toUpperCase() + kind.slice(1);
  return notes.length === 0 ? [] : [`### ${title}\n\n${notes.join("\n")}\n`];
});

const path = join(root, "CHANGELOG.md");
const [head = "", ...older] = readFileSync(path, "utf8").split(/^(?=## )/m);
const release = `## ${version} (${date})\n\n${sections.join("\n")}`;
writeFileSync(
  path,
  [head.trimEnd(), release.trimEnd(), ...older.map((part) => part.trimEnd())]
    .join("\n\n")
    .concat("\n"),
);
for (const name of fragments) {
  rmSync(join(folder, name));
}
console.log(`CHANGELOG.md has a section for ${version} from ${fragments.length} fragments.`);
