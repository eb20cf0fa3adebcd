/** A part of a JSON schema. */
export interface SchemaNode {
  readonly title?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
}

/** The paths of all secrets in a schema. Where any key may be, it is `x-key`, and the first item stands for all of a list. */
export function secretPaths(
  node: SchemaNode,
  path: readonly (string | number)[] = [],
): (string | number)[][] {
  return [
    ...(node.title === "secret" ? [[...path]] : []),
    ...Object.entries(node.properties ?? {}).flatMap(([key, inner]) =>
      secretPaths(inner, [...path, key]),
    ),
    ...(node.items === undefined ? [] : secretPaths(node.items, [...path, 0])),
    ...(typeof node.additionalProperties === "object"
      ? secretPaths(node.additionalProperties, [...path, "x-key"])
      : []),
    ...(node.anyOf ?? []).flatMap((inner) => secretPaths(inner, path)),
  ];
}
