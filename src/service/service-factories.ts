import { type AnyFactory, isOfType } from "../component/factory.ts";
import type { ComponentRef } from "./service-plan.ts";

/** The factory of a component. Throws an `Error` for an operator if there is none. */
export function factoryOf(
  factories: readonly AnyFactory[],
  { kind, id }: ComponentRef,
): AnyFactory {
  const factory = factories.find((each) => each.kind === kind && isOfType(each, id));
  if (factory === undefined) {
    throw new Error(`Cannot build ${kind} "${id}": there is no ${kind} of this type.`);
  }
  return factory;
}
