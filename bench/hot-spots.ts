import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shown = 30;

/** Self time by function of the one `.cpuprofile` in a folder, idle time left out. */
export function hotSpotsOf(
  folder: string,
): { readonly function: string; readonly share: string }[] {
  const [file] = readdirSync(folder);
  if (file === undefined) {
    throw new Error("The collector wrote no profile.");
  }
  const { nodes, samples, timeDeltas }: Profile = JSON.parse(
    readFileSync(join(folder, file), "utf8"),
  );
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || "(anonymous)"} ${url.replace(/^.*\/(src|node_modules)\//, "$1/")}${url === "" ? "" : `:${lineNumber + 1}`}`,
    ]),
  );
  const selfUs = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? "";
    selfUs.set(name, (selfUs.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  selfUs.delete("(idle) ");
  selfUs.delete("(program) ");
  const total = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  return [...selfUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, us]) => ({ function: name, share: `${((us * 100) / total).toFixed(1)} %` }));
}
