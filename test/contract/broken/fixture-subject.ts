import { z } from "zod";
import type { Component } from "../../../src/component/component.ts";
import { declare, type Roles } from "../../../src/component/factory.ts";
import type { Settings } from "../../../src/component/settings.ts";
import type { ComponentSetup, Subject } from "../component-setup.ts";
import { get } from "../component-setups.ts";
import type { Section } from "./sound-components.ts";

/** The class of a component that exists for tests only. */
export type Fixture = new (settings: Settings, section: Section) => Component;

const families = {
  processor: {
    kind: "processor",
    roles: { processor: ["traces"], receiver: ["logs"] },
    setup: { feed: { logs: (running) => running.advance(1_000) } },
  },
  exporter: { kind: "exporter", roles: { exporter: ["traces"] }, setup: {} },
  scraped: {
    kind: "exporter",
    roles: { scraped: true },
    setup: { listens: true, request: (running) => get(running, "/") },
  },
  storage: { kind: "extension", roles: { storage: true }, setup: {} },
} as const satisfies Record<
  string,
  {
    readonly kind: Subject["factory"]["kind"];
    readonly roles: Roles;
    readonly setup: Omit<ComponentSetup, "section">;
  }
>;

export type Family = keyof typeof families;

/** Makes a subject of the suite from a class, with the kind, roles and setup of its family. */
export function subjectOf(
  fixture: Fixture,
  family: Family,
  { patienceMs, isStoring }: Pick<Subject, "patienceMs" | "isStoring">,
): Subject {
  const { kind, roles, setup } = families[family];
  const section = z.strictObject({
    folder: z.string(),
    backendUrl: z.string(),
    grpcEndpoint: z.string(),
  });
  return {
    factory: declare({
      type: "fixture",
      kind,
      roles,
      stability: "development",
      description: "A component of a test.",
      schema: section,
      create: (settings, section) => new fixture(settings, section),
    }),
    setup: { ...setup, section: (environment) => ({ ...environment }) },
    patienceMs,
    ...(isStoring === undefined ? {} : { isStoring }),
  };
}
