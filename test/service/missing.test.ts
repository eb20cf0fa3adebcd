import { describe, expect, test } from "vitest";
import type { ComponentKind } from "../../src/component/component-kind.ts";
import { isOfType } from "../../src/component/factory.ts";
import { components } from "../../src/components.ts";
import { keysAt, writtenSchemaOf } from "../../src/config/json-schema.ts";
import { missingComponent, missingTypes } from "../../src/service/missing-components.ts";
import { missingKeyOf, missingKeys, missingServiceKey } from "../../src/service/missing-keys.ts";

const kinds = [
  "receiver",
  "processor",
  "exporter",
  "extension",
] as const satisfies readonly ComponentKind[];

describe("what is said of components of the Collector that are not here", () => {
  for (const kind of kinds) {
    test(`no ${kind} that is said to be missing exists`, () => {
      const existing = missingTypes(kind).filter((type) =>
        components.some((factory) => factory.kind === kind && isOfType(factory, type)),
      );
      expect(existing).toEqual([]);
    });

    test(`every sentence about a ${kind} says what to do`, () => {
      expect(missingTypes(kind).length).toBeGreaterThan(10);
      for (const type of missingTypes(kind)) {
        expect(missingComponent(kind, type)).toMatch(/^is [^.]+[.;:].*\.$/);
      }
    });
  }

  test("nothing is said of a type that only every object has", () => {
    expect(missingComponent("exporter", "constructor")).toBeUndefined();
    expect(missingKeyOf("exporter", "debug")(["constructor"])).toBeUndefined();
  });
});

describe("what is said of keys of the Collector that are not here", () => {
  for (const { kind, type, schema } of components) {
    test(`no key that is said to be missing from the ${kind} ${type} exists`, () => {
      const written = writtenSchemaOf(schema);
      const existing = missingKeys(kind, type).filter((key) => {
        const path = key.split(".");
        return keysAt(written, path.slice(0, -1)).includes(path.at(-1) ?? "");
      });
      expect(existing).toEqual([]);
    });
  }

  test("an exporter with a backend has those of its connection and of its queue", () => {
    const said = missingKeyOf("exporter", "otlp_grpc");
    expect(said(["sending_queue", "blocking"])).toContain("block_on_overflow");
    expect(said(["tls", "cipher_suites"])).toContain("is not supported");
    expect(missingKeyOf("exporter", "debug")(["sending_queue", "blocking"])).toBeUndefined();
  });

  test("the place in a list does not matter", () => {
    expect(missingServiceKey(["telemetry", 0, "metrics", "address"])).toContain("write endpoint");
  });
});
