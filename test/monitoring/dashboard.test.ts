import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { instruments as deliveryInstruments } from "../../src/delivery/delivery-instruments.ts";
import { instruments as storageInstruments } from "../../src/extensions/file_storage/storage-instruments.ts";
import type { InstrumentSpec } from "../../src/metrics/instrument.ts";
import { prometheusLabel, prometheusName } from "../../src/metrics/prometheus-names.ts";
import { activityInstruments } from "../../src/processors/session_activity/activity-instruments.ts";
import { instruments as receiverInstruments } from "../../src/receivers/otlp/request-instruments.ts";
import { telemetryInstruments } from "../../src/service/telemetry-instruments.ts";
import { committedDashboard, queriesOf } from "../support/dashboard.ts";
import { pathOf, textOf } from "../support/repository.ts";

const dashboard = committedDashboard("session-activity.json");
const queries = queriesOf(dashboard);
const panels = dashboard.panels.filter(({ type }) => type !== "row");

const variables = ["job", "instance", "reason", "datasource", "__rate_interval", "__range"];

/** Counters that are read as they are: time since the start is a counter to OpenTelemetry, and wanted as it is. */
const readAsTheyAre = new Set(["otelcol_process_uptime"]);

interface Known {
  readonly kind: InstrumentSpec["kind"];
  /** What a label may be; `undefined` where it is not a closed list. */
  readonly labels: ReadonlyMap<string, readonly string[] | undefined>;
}

const registry = new Map<string, Known>([
  ["up", { kind: "gauge", labels: labelsOf({}) }],
  ...activityInstruments.map((spec): [string, Known] => {
    const name = prometheusName(spec);
    const labels = labelsOf(spec.attributes, "openclaw.");
    return spec.kind === "histogram"
      ? [`${name}_bucket`, { kind: "counter", labels: labels.set("le", undefined) }]
      : [name, { kind: spec.kind, labels }];
  }),
  ...[
    ...telemetryInstruments,
    ...storageInstruments,
    ...deliveryInstruments,
    ...receiverInstruments,
  ].map((spec): [string, Known] => [
    prometheusName(spec, { suffixes: false }),
    { kind: spec.kind, labels: labelsOf(spec.attributes) },
  ]),
]);

function labelsOf(attributes: InstrumentSpec["attributes"], stripPrefix = "") {
  return new Map<string, readonly string[] | undefined>([
    ...["job", "instance"].map((label) => [label, undefined] as const),
    ...Object.entries(attributes).map(
      ([key, values]) =>
        [
          prometheusLabel(key, { stripPrefix }),
          typeof values === "string" ? undefined : values,
        ] as const,
    ),
  ]);
}

/** Every `metric{matchers}` with what stands before it. */
function selectorsOf(expr: string) {
  return [...expr.matchAll(/([a-z_]+\()?([a-z_]+)\{([^}]*)\}/g)].map(
    ([, call = "", metric = "", matchers = ""]) => ({
      call,
      metric,
      matchers: matchers.split(",").map((matcher) => matcher.trim()),
    }),
  );
}

test("the committed dashboards are what their sources make of them", () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [pathOf("scripts/generate-dashboards.ts"), "--check"],
    { encoding: "utf8" },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

describe("the dashboard", () => {
  test("is a classic one that names itself for good", () => {
    expect(dashboard).toMatchObject({
      id: null,
      uid: "openclaw-session-activity",
      schemaVersion: 42,
      editable: false,
    });
  });

  test("lets the data source, job and instance be chosen", () => {
    const [source, ...others] = dashboard.templating.list;
    expect(source).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
    expect(others.map(({ name }) => name)).toEqual(["job", "instance", "reason"]);
    for (const variable of others) {
      expect(variable).toMatchObject({ multi: true, includeAll: true, refresh: 2 });
      // "All" as ".+" would match the otelcol_… series of every other Collector.
      expect(variable.allValue).toBeUndefined();
    }
  });

  test("has panels with ids of their own that neither overlap nor leave the grid", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x}/${y}`), `${title} lies on another panel`).toBeUndefined();
          taken.set(`${x}/${y}`, title);
        }
      }
    }
  });

  test("explains each panel and gives it a unit", () => {
    expect(panels.length).toBeGreaterThan(15);
    for (const panel of panels) {
      expect(panel.title).not.toBe("");
      expect(panel.description?.length ?? 0, panel.title).toBeGreaterThan(80);
      expect(panel.fieldConfig?.defaults.unit, panel.title).toBeDefined();
      expect(panel.datasource?.uid, panel.title).toBe("$datasource");
    }
  });
});

describe("its queries", () => {
  test("ask only for metrics that the collector has", () => {
    const asked = queries.flatMap(({ target }) => selectorsOf(target.expr));
    expect(asked.length).toBeGreaterThan(25);
    expect(asked.map(({ metric }) => metric).filter((metric) => !registry.has(metric))).toEqual([]);
  });

  test("show every instrument that tells of session activity", () => {
    const asked = new Set(
      queries.flatMap(({ target }) => selectorsOf(target.expr)).map(({ metric }) => metric),
    );
    const unseen = [...registry.keys()].filter(
      (name) => name.startsWith("openclaw_session_") && !asked.has(name),
    );
    expect(unseen).toEqual([]);
  });

  test("use only labels that the metric has", () => {
    for (const { target, panel } of queries) {
      const selectors = selectorsOf(target.expr);
      const known = selectors.flatMap(({ metric }) => [
        ...(registry.get(metric)?.labels.keys() ?? []),
      ]);
      const grouped = [...target.expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
        list.split(",").map((label) => label.trim()),
      );
      const shown = [...target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
      const matched = selectors.flatMap(({ matchers }) =>
        matchers.map((matcher) => /^\w+/.exec(matcher)?.[0]),
      );
      expect(known, panel.title).toEqual(
        expect.arrayContaining([...grouped, ...shown, ...matched]),
      );
    }
  });

  test("look only for values that a label can have", () => {
    for (const { metric, matchers } of queries.flatMap(({ target }) => selectorsOf(target.expr))) {
      for (const matcher of matchers) {
        const [, label = "", values = ""] = /^(\w+)(?:=~|!=|!~|=)"(.*)"$/.exec(matcher) ?? [];
        const possible = registry.get(metric)?.labels.get(label);
        if (possible !== undefined && !values.startsWith("$")) {
          expect(possible, `${metric}{${matcher}}`).toEqual(
            expect.arrayContaining(values.split("|")),
          );
        }
      }
    }
  });

  test("are about the chosen collectors", () => {
    for (const { target, panel } of queries) {
      for (const { matchers } of selectorsOf(target.expr)) {
        expect(matchers, panel.title).toEqual(
          expect.arrayContaining(['job=~"$job"', 'instance=~"$instance"']),
        );
      }
    }
  });

  test("read counters as rates, over an interval that fits the scrapes", () => {
    for (const { target, panel } of queries) {
      for (const { call, metric } of selectorsOf(target.expr)) {
        const isCounter = registry.get(metric)?.kind === "counter" && !readAsTheyAre.has(metric);
        const isRate = call === "rate(" || call === "increase(";
        expect(isRate, `${panel.title}: ${metric}`).toBe(isCounter);
      }
      for (const [, interval] of target.expr.matchAll(/\[([^\]]*)\]/g)) {
        expect(["$__rate_interval", "$__range"], panel.title).toContain(interval);
      }
    }
  });

  test("use only variables that exist", () => {
    const texts = [
      ...queries.map(({ target }) => target.expr),
      ...dashboard.annotations.list.map(({ expr }) => expr),
      ...dashboard.templating.list.map(({ query }) =>
        typeof query === "string" ? query : query.query,
      ),
    ];
    const used = texts.flatMap((text) => [...text.matchAll(/\$(\w+)/g)].map(([, name]) => name));
    expect(variables).toEqual(expect.arrayContaining(used));
  });
});

test("the alert rules ask only for metrics that the collector has", () => {
  const { groups } = parse(textOf("monitoring/rules/openclaw-activity-collector.rules.yml"));
  const asked = groups
    .flatMap(({ rules }: { rules: { expr: string }[] }) => rules)
    .flatMap(({ expr }: { expr: string }) =>
      [...expr.matchAll(/\b(?:openclaw_|otelcol_)\w+/g)].map(([name]) => name),
    );
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.filter((name: string) => !registry.has(name))).toEqual([]);
});
