// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import type { ConfigNode } from "./node.ts";
import type { ConfigPath, ConfigProblem } from "./problem.ts";

/** A variable in a place where `$` can be nothing else, and what to write; undefined if there is none. The text itself may be a secret. */
export function bareVariableProblem(text: string): string | undefined {
  const [written, name] = /\$\{?([A-Za-z_]\w*)\}?/.exec(text) ?? [];
  return written === undefined
    ? undefined
    : `contains ${written}, which is not expanded; write \${env:${name}}.`;
}

/** A `$` before a name, as shells expand it. `$$` is how the config writes a dollar sign, and `${` begins a reference. */
const bareVariable = /(?<!\$)(?:\$\$)*\$[A-Za-z_]/;

/** Where a text that is not expanded yet has a variable as shells write it. The name is not shown: in a password it is a part of it. */
export function bareVariables(node: ConfigNode, path: ConfigPath): readonly ConfigProblem[] {
  switch (node.kind) {
    case "map":
      return [...node.entries].flatMap(([key, entry]) => bareVariables(entry.node, [...path, key]));
    case "list":
      return node.items.flatMap((item, index) => bareVariables(item, [...path, index]));
    case "scalar":
      return typeof node.value === "string" && bareVariable.test(node.value)
        ? [
            {
              at: node.at,
              path,
              message:
                'has a "$" before a name, which is probably a mistake: it is used as it is written. Write ${env:NAME} for a variable of the environment, or $$ for a dollar sign.',
            },
          ]
        : [];
    default: {
      const never: never = node;
      return never;
    }
  }
}
