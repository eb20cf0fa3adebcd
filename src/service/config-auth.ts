import type { AuthSide } from "../component/authenticator.ts";
import type { AuthKey } from "../component/factory.ts";
import { didYouMean } from "../config/issue-words.ts";
import { nearestName } from "../config/nearest-name.ts";
import type { MapNode } from "../config/node.ts";
import type { ConfigPath, ConfigProblem } from "../config/problem.ts";
import { article, type Declarations, type DeclaredComponent } from "./config-components.ts";
import { parseId } from "./config-id.ts";
import { nameAt } from "./config-storage.ts";

/** Which components exist, and which of them `service.extensions` lists. */
interface Known {
  readonly declarations: Declarations;
  readonly listed: ReadonlySet<DeclaredComponent>;
}

/** Where the program's own metrics name an authenticator. */
const telemetryKeys: readonly AuthKey[] = [
  { path: ["service", "telemetry", "metrics", "auth", "authenticator"], side: "server" },
];

/**
 * Returns the authenticators that components name. A name is reported and left out if it is unknown, if it belongs to a component that
 * is not an authenticator or works only on the other side of a connection, or if `service.extensions` does not list it.
 */
export function resolveAuth(
  root: MapNode,
  known: Known,
  report: (problem: ConfigProblem) => void,
): ReadonlySet<DeclaredComponent> {
  const ofComponents = known.declarations.components.flatMap(({ factory, path }) =>
    (factory.authKeys ?? []).map((key) => ({ ...key, path: [...path, ...key.path] })),
  );
  const named = [...ofComponents, ...telemetryKeys].flatMap(({ path, side }) => {
    const authenticator = authenticatorAt(root, path, { side, known, report });
    return authenticator === undefined ? [] : [authenticator];
  });
  return new Set(named);
}

function authenticatorAt(
  root: MapNode,
  path: ConfigPath,
  {
    side,
    known,
    report,
  }: {
    readonly side: AuthSide;
    readonly known: Known;
    readonly report: (problem: ConfigProblem) => void;
  },
): DeclaredComponent | undefined {
  const name = nameAt(root, path);
  const found = name === undefined ? undefined : authenticatorOf(name.text, side, known);
  if (name !== undefined && typeof found === "string") {
    report({ at: name.at, path: name.path, message: found });
  }
  return typeof found === "string" ? undefined : found;
}

/** The extension, or the problem with its name, or `undefined` if the problem is reported elsewhere. */
function authenticatorOf(
  text: string,
  side: AuthSide,
  { declarations, listed }: Known,
): DeclaredComponent | string | undefined {
  const parsed = parseId(text);
  if (!parsed.ok) {
    return parsed.message;
  }
  const { id } = parsed.value;
  const all = declarations.components.filter(({ factory }) => factory.authenticates !== undefined);
  const authenticator = all.find((each) => each.id === id);
  const ids = all.map((each) => each.id);
  if (authenticator !== undefined) {
    return problemOf(authenticator, side, listed) ?? authenticator;
  }
  const [other] = declarations.components.filter((each) => each.id === id);
  if (other !== undefined) {
    const choice = ids.length === 0 ? "" : ` Available authenticators: ${ids.join(", ")}.`;
    return `names "${id}", which is ${article(other.kind)} and is not an authenticator.${choice}`;
  }
  // Its problem, such as a misspelled type, is reported where it is declared.
  if (declarations.incomplete || nearestName(id, declarations.broken) !== undefined) {
    return undefined;
  }
  return `names the authenticator "${id}", which is not configured. ${didYouMean(id, ids).trim() || "Configure it in extensions, and name it in service.extensions."}`;
}

function problemOf(
  { id, factory, section }: DeclaredComponent,
  side: AuthSide,
  listed: ReadonlySet<DeclaredComponent>,
): string | undefined {
  if (![...listed].some((each) => each.kind === "extension" && each.id === id)) {
    return `names the authenticator "${id}", which is missing in service.extensions and therefore would not run. Add it there.`;
  }
  // A section that its schema refuses is reported where it is written.
  const sides = section === undefined ? undefined : factory.authenticates?.(section);
  if (sides === undefined || sides.includes(side)) {
    return undefined;
  }
  return side === "server"
    ? `names the authenticator "${id}", which only adds credentials to requests that are sent and cannot check those of requests that are received. Name one with credentials of clients, e.g. basic_auth with htpasswd.`
    : `names the authenticator "${id}", which only checks requests that are received and has no credentials to send. Name one for clients, e.g. basic_auth with client_auth.`;
}
