/**
 * The little of Grafana's classic dashboard model (schemaVersion 42) that we use, as plain data.
 * Classic rather than v2, because file provisioning, import by hand and Grafana 10 to 13 all take it.
 */
export interface Panel {
  /** Kept for good: links to a panel (`?viewPanel=`) name it. */
  readonly id: number;
  readonly type: "stat" | "timeseries" | "table";
  readonly title: string;
  /** What it shows, then what bad looks like. */
  readonly description: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** A unit id of Grafana, e.g. `s`, `percentunit`, `cps`, `short`. */
  readonly unit: string;
  readonly decimals?: number;
  /** From which value on a stat turns yellow or red. Left out: it has no bad value. */
  readonly thresholds?: { readonly warning?: number; readonly critical?: number };
  /** Whether below the first threshold is bad instead of good. */
  readonly isLowBad?: boolean;
  readonly isStacked?: boolean;
  /** Columns of a table, in order: what a query's value is called, and its unit. */
  readonly columns?: readonly { readonly title: string; readonly unit: string }[];
}

export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** Panels flow from left to right and wrap; all panels of a row of the dashboard are equally high. */
export interface Row {
  readonly id: number;
  readonly title: string;
  readonly height: number;
  readonly panels: readonly Panel[];
}

/** A choice at the top of the dashboard, filled from the labels of a metric. */
export interface LabelVariable {
  readonly name: string;
  readonly title: string;
  readonly metric: string;
  readonly label: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly variables: readonly LabelVariable[];
  readonly annotations: readonly { readonly name: string; readonly expr: string }[];
  readonly rows: readonly Row[];
}

/** One value of the tree that becomes a JSON file. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

const datasource = { type: "prometheus", uid: "$datasource" };
const columnsOfGrid = 24;

/** The dashboard as Grafana reads it. Throws when panels do not fill the grid as they should. */
export function toGrafana(dashboard: Dashboard): Json {
  return {
    id: null,
    uid: dashboard.uid,
    title: dashboard.title,
    description: dashboard.description,
    tags: dashboard.tags,
    schemaVersion: 42,
    editable: false,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    timezone: "browser",
    links: [
      {
        type: "dashboards",
        title: "OpenClaw",
        tags: ["openclaw"],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
      },
    ],
    annotations: { list: dashboard.annotations.map(annotation) },
    templating: { list: [datasourceVariable(), ...dashboard.variables.map(labelVariable)] },
    panels: layout(dashboard.rows),
  };
}

function annotation(spec: { readonly name: string; readonly expr: string }): Json {
  return {
    name: spec.name,
    enable: true,
    datasource,
    expr: spec.expr,
    iconColor: "purple",
    titleFormat: spec.name,
    textFormat: "{{instance}}",
  };
}

function datasourceVariable(): Json {
  return {
    type: "datasource",
    name: "datasource",
    label: "Data source",
    query: "prometheus",
    current: {},
    hide: 0,
    refresh: 1,
  };
}

/**
 * No `allValue: ".+"`: the pipeline panels ask for metrics whose names every OpenTelemetry Collector
 * shares, so "All" must be the list of our own jobs and instances, not everything.
 */
function labelVariable(variable: LabelVariable): Json {
  const query = `label_values(${variable.metric}, ${variable.label})`;
  return {
    type: "query",
    name: variable.name,
    label: variable.title,
    datasource,
    query: { query, refId: "PrometheusVariableQueryEditor-VariableQuery" },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    current: { selected: true, text: ["All"], value: ["$__all"] },
    hide: 0,
  };
}

function layout(rows: readonly Row[]): readonly Json[] {
  const panels: Json[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: row.id,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: columnsOfGrid, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      if (x + panel.width > columnsOfGrid) {
        throw new Error(
          `The panel "${panel.title}" does not fit beside its neighbours: ${x} + ${panel.width} columns.`,
        );
      }
      panels.push(toPanel(panel, { x, y, w: panel.width, h: row.height }));
      x += panel.width;
      if (x === columnsOfGrid) {
        x = 0;
        y += row.height;
      }
    }
    if (x !== 0) {
      throw new Error(`The row "${row.title}" ends with ${columnsOfGrid - x} empty columns.`);
    }
  }
  return panels;
}

type GridPosition = {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
};

function toPanel(panel: Panel, gridPos: GridPosition): Json {
  return {
    id: panel.id,
    type: panel.type,
    title: panel.title,
    description: panel.description,
    datasource,
    gridPos,
    targets: panel.queries.map((query, index) => target(query, index, panel.type)),
    ...looks(panel),
  };
}

function target(query: Query, index: number, type: Panel["type"]): Json {
  const isRange = type === "timeseries";
  return {
    refId: refIdOf(index),
    datasource,
    editorMode: "code",
    expr: query.expr,
    legendFormat: query.legend,
    range: isRange,
    instant: !isRange,
    format: type === "table" ? "table" : "time_series",
  };
}

function refIdOf(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}

function looks(panel: Panel): { readonly [key: string]: Json } {
  switch (panel.type) {
    case "stat":
      return statLooks(panel);
    case "timeseries":
      return timeseriesLooks(panel);
    case "table":
      return tableLooks(panel);
    default: {
      const never: never = panel.type;
      return never;
    }
  }
}

function statLooks(panel: Panel): { readonly [key: string]: Json } {
  return {
    fieldConfig: {
      defaults: { ...numbers(panel), color: { mode: "thresholds" }, thresholds: steps(panel) },
      overrides: [],
    },
    options: {
      colorMode: panel.thresholds === undefined ? "none" : "value",
      graphMode: "none",
      justifyMode: "auto",
      orientation: "auto",
      textMode: "auto",
      wideLayout: true,
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
    },
  };
}

function timeseriesLooks(panel: Panel): { readonly [key: string]: Json } {
  const isStacked = panel.isStacked === true;
  return {
    fieldConfig: {
      defaults: {
        ...numbers(panel),
        min: 0,
        color: { mode: "palette-classic-by-name" },
        custom: {
          drawStyle: "line",
          fillOpacity: isStacked ? 30 : 5,
          lineWidth: 1,
          showPoints: "auto",
          spanNulls: false,
          stacking: { mode: isStacked ? "normal" : "none", group: "A" },
        },
      },
      overrides: [],
    },
    options: {
      legend: {
        displayMode: "table",
        placement: "bottom",
        showLegend: true,
        calcs: ["lastNotNull", "max"],
      },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

/** One line per instance: every query gives a column, joined on the label `instance`. */
function tableLooks(panel: Panel): { readonly [key: string]: Json } {
  const columns = panel.columns ?? [];
  const valueName = (index: number) => `Value #${refIdOf(index)}`;
  const times = columns.map((_, index) => `Time ${index + 1}`);
  return {
    fieldConfig: {
      defaults: { ...numbers(panel), custom: { align: "auto", filterable: true } },
      overrides: columns.map((column) => ({
        matcher: { id: "byName", options: column.title },
        properties: [{ id: "unit", value: column.unit }],
      })),
    },
    options: { showHeader: true, cellHeight: "sm" },
    transformations: [
      { id: "joinByField", options: { byField: "instance", mode: "outer" } },
      {
        id: "organize",
        options: {
          excludeByName: Object.fromEntries(["Time", ...times].map((name) => [name, true])),
          renameByName: {
            instance: "Instance",
            ...Object.fromEntries(columns.map((column, index) => [valueName(index), column.title])),
          },
        },
      },
    ],
  };
}

function numbers(panel: Panel): { readonly [key: string]: Json } {
  return {
    unit: panel.unit,
    ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
  };
}

function steps(panel: Panel): Json {
  const { warning, critical } = panel.thresholds ?? {};
  if (panel.isLowBad === true) {
    return {
      mode: "absolute",
      steps: [
        { color: "red", value: null },
        { color: "green", value: critical ?? 0 },
      ],
    };
  }
  return {
    mode: "absolute",
    steps: [
      { color: "green", value: null },
      ...(warning === undefined ? [] : [{ color: "yellow", value: warning }]),
      ...(critical === undefined ? [] : [{ color: "red", value: critical }]),
    ],
  };
}
