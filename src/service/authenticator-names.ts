import type { AnyFactory } from "../component/factory.ts";
import { parseId } from "./config-id.ts";
import type { ComponentRef } from "./service-plan.ts";

/** The extension that an option `authenticator` names; `undefined` if it is no id. */
export function authenticatorNamed(name: string): ComponentRef | undefined {
  const parsed = parseId(name);
  return parsed.ok ? { kind: "extension", id: parsed.value.id } : undefined;
}

/** The authenticators that a section names, as its type of component declares (`Factory.authKeys`). */
export function authenticatorsIn(
  section: unknown,
  { authKeys = [] }: Pick<AnyFactory, "authKeys">,
): readonly ComponentRef[] {
  return authKeys.flatMap(({ path }) => {
    const name = path.reduce<unknown>(
      (value, key) =>
        typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
      section,
    );
    const ref = typeof name === "string" ? authenticatorNamed(name) : undefined;
    return ref === undefined ? [] : [ref];
  });
}
