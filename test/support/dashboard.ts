import { textOf } from "./repository.ts";

/** A committed dashboard, as far as the tests look into it. */
export interface GrafanaDashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly annotations: { readonly list: readonly { name: string; expr: string }[] };
  readonly templating: { readonly list: readonly GrafanaVariable[] };
  readonly panels: readonly GrafanaPanel[];
}

export interface GrafanaVariable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly refresh?: number;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

export interface GrafanaPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly GrafanaTarget[];
}

export interface GrafanaTarget {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant: boolean;
}

export function committedDashboard(name: string): GrafanaDashboard {
  return JSON.parse(textOf(`monitoring/dashboards/${name}`));
}

/** Every query with the panel it belongs to. */
export function queriesOf(
  dashboard: GrafanaDashboard,
): readonly { readonly panel: GrafanaPanel; readonly target: GrafanaTarget }[] {
  return dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ panel, target })),
  );
}

/** Puts values in the place of `$name` and `[$__interval]`, as Grafana does before it asks Prometheus. */
export function interpolate(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new Error(`Nothing stands for $${name} in ${expr}`);
    }
    return value;
  });
}
