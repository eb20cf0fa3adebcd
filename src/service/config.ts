import type { AnyFactory } from "../component/factory.ts";
import { checkSection } from "../config/check-section.ts";
import { didYouMean } from "../config/issue-words.ts";
import type { LoadedConfig } from "../config/load.ts";
import { type MapNode, nodeAt, positionOf } from "../config/node.ts";
import { type ConfigProblem, inReadingOrder } from "../config/problem.ts";
import type { ServerSection } from "../serving/server-options.ts";
import { resolveAuth } from "./config-auth.ts";
import {
  type ConfiguredComponent,
  checkComponents,
  type DeclaredComponent,
  sections,
} from "./config-components.ts";
import { endpointClashes, type ListenAddress, listenAddressesOf } from "./config-endpoints.ts";
import { endlessLoops } from "./config-loops.ts";
import {
  isDeriving,
  nameOf,
  type Reference,
  type ResolvedPipeline,
  resolveReferences,
} from "./config-pipelines.ts";
import { type ServiceSection, serviceSchema } from "./config-schema.ts";
import { resolveStorage, type StorageUse } from "./config-storage.ts";
import { topologyProblems } from "./config-topology.ts";
import { missingServiceKey } from "./missing-keys.ts";
import type { ComponentRef, ServicePlan } from "./service-plan.ts";
import { telemetryPushes, telemetryPushProblems } from "./telemetry-push-factory.ts";

/** A valid config, frozen. It contains the plan from which the service is built. */
export interface ServiceConfig extends ServicePlan {
  /** Every configured component, also those that nothing names. */
  readonly components: readonly ConfiguredComponent[];
  /** `service` with defaults filled in. */
  readonly service: ServiceSection;
  /** Probable mistakes in a valid config, e.g. a component that nothing names. */
  readonly notices: readonly ConfigProblem[];
}

export type CheckedConfig =
  | { readonly ok: true; readonly config: ServiceConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/**
 * Checks a loaded config against the types of components there are. Every problem is reported at once, in
 * reading order, including those of loading. Builds nothing.
 */
export function checkServiceConfig(
  loaded: LoadedConfig,
  factories: readonly AnyFactory[],
): CheckedConfig {
  const problems: ConfigProblem[] = [...loaded.problems];
  const report = (problem: ConfigProblem) => problems.push(problem);
  const { root, files } = loaded;
  if (root === undefined) return { ok: false, problems };

  const excess = excessOf(root);
  if (excess !== undefined)
    return { ok: false, problems: inReadingOrder([...problems, excess], files) };
  checkTopLevel(root, factories, report);
  const declarations = checkComponents(root, factories, report);
  const service = checkSection(serviceSchema, root, ["service"], missingServiceKey);
  if (!service.ok) for (const problem of service.problems) report(problem);
  const { pipelines, extensions } = resolveReferences(root, declarations, report);
  for (const problem of topologyProblems(pipelines)) report(problem);
  const listed = new Set(extensions.map(({ component }) => component));
  const storageUses = resolveStorage(root, { declarations, listed }, report);
  const authenticators = resolveAuth(root, { declarations, listed }, report);
  const used = new Set(
    [
      ...pipelines.flatMap((each) => [...each.receivers, ...each.processors, ...each.exporters]),
      ...extensions,
    ].map(({ component }) => component),
  );
  if (service.ok) {
    const addresses = [
      ...declarations.components.filter((each) => used.has(each)).flatMap(listenAddressesOf),
      ...telemetryAddresses(service.value),
    ];
    for (const problem of endpointClashes(root, addresses)) report(problem);
    for (const problem of endlessLoops(root, pipelines)) report(problem);
    for (const { path, message } of telemetryPushProblems(service.value, factories)) {
      report({ at: positionOf(root, path), path, message });
    }
  }
  if (problems.length > 0 || !service.ok) {
    return { ok: false, problems: inReadingOrder(problems, files) };
  }
  const components = declarations.components.map((component) =>
    configured(component, used.has(component)),
  );
  const storages = new Map(
    storageUses.map(({ component, storage: { kind, id } }) => [nameOf(component), { kind, id }]),
  );
  const bySection = new Map(components.map((component) => [nameOf(component), component.section]));
  const telemetryEndpoint = telemetryEndpointOf(service.value);
  const pushes = telemetryPushes(service.value);
  for (const { ref, reader } of pushes) bySection.set(nameOf(ref), reader);
  const config: ServiceConfig = {
    components,
    extensions: [...pushes.map(({ ref }) => ref), ...authenticatorsFirst(extensions).map(refOf)],
    pipelines: pipelines.map((pipeline) => ({
      id: pipeline.id,
      signal: pipeline.signal,
      receivers: pipeline.receivers.map(refOf),
      processors: pipeline.processors.map(refOf),
      exporters: pipeline.exporters.map(refOf),
    })),
    sectionOf: (component) => bySection.get(nameOf(component)),
    storageOf: (component) => storages.get(nameOf(component)),
    ...(telemetryEndpoint === undefined ? {} : { telemetryEndpoint }),
    telemetryResource: service.value.telemetry.resource,
    telemetryServer: serverIn(service.value.telemetry.metrics),
    shutdownTimeoutMs: service.value.shutdown_timeout,
    service: service.value,
    notices: inReadingOrder(
      [
        ...(loaded.notices ?? []),
        ...noticesOf(declarations.components, used, pipelines),
        ...ownNotices(root, declarations.components, used),
        ...unusedStorages(extensions, storageUses),
        ...unusedAuthenticators(extensions, authenticators),
      ],
      files,
    ),
  };
  return { ok: true, config: frozen(config) };
}

/** More than any config has. Checks compare them with each other. */
const maxComponents = 1_000;
const maxPipelines = 1_000;
/** A name is printed in every log line and metric of its component. */
const maxNameCharacters = 1_000;

function excessOf(root: MapNode): ConfigProblem | undefined {
  let components = 0;
  for (const section of [...Object.keys(sections), "service"]) {
    const path = section === "service" ? ["service", "pipelines"] : [section];
    const node = nodeAt(root, path);
    if (node?.kind !== "map") continue;
    const keys = [...node.entries.keys()];
    components += section === "service" ? 0 : keys.length;
    const long = keys.find((key) => key.length > maxNameCharacters);
    if (long !== undefined) {
      const message = `has a name of ${long.length} characters; a name has at most ${maxNameCharacters}.`;
      return { at: node.entries.get(long)?.keyAt, path: [...path, long], message };
    }
    if (section === "service" && keys.length > maxPipelines) {
      const message = `has ${keys.length} pipelines; a config has at most ${maxPipelines}.`;
      return { at: node.at, path, message };
    }
    const most = Math.max(0, ...listLengths(node));
    if (section === "service" && most > maxComponents) {
      const message = `has a pipeline with a list of ${most} components; it has at most ${maxComponents}.`;
      return { at: node.at, path, message };
    }
    if (components > maxComponents) {
      const message = `makes more than ${maxComponents} components, the most that a config may have.`;
      return { at: node.at, path, message };
    }
  }
  return undefined;
}

/** The lengths of the lists of the pipelines. */
function listLengths(pipelines: MapNode): readonly number[] {
  return [...pipelines.entries.values()].flatMap(({ node }) =>
    node.kind === "map"
      ? [...node.entries.values()].map(({ node: list }) =>
          list.kind === "list" ? list.items.length : 0,
        )
      : [],
  );
}

function telemetryEndpointOf({ telemetry: { metrics } }: ServiceSection) {
  if (metrics.level === "none") return undefined;
  if (metrics.readers === undefined) return metrics.endpoint;
  const [page] = metrics.readers.flatMap(({ pull }) => pull?.exporter.prometheus ?? []);
  return page === undefined ? undefined : { host: page.host, port: page.port };
}

/** Where the program's own metrics are served. */
function telemetryAddresses({ telemetry: { metrics } }: ServiceSection): readonly ListenAddress[] {
  const path = ["service", "telemetry", "metrics"];
  if (metrics.level === "none") return [];
  if (metrics.readers === undefined) {
    const { endpoint } = metrics;
    return [
      { path: [...path, "endpoint"], address: "path" in endpoint ? endpoint.path : endpoint },
    ];
  }
  return metrics.readers.flatMap(({ pull }, index) =>
    pull === undefined
      ? []
      : [
          {
            path: [...path, "readers", index, "pull", "exporter", "prometheus", "port"],
            address: pull.exporter.prometheus,
          },
        ],
  );
}

function serverIn({
  transport,
  tls,
  auth,
  allowed_hosts,
}: ServiceSection["telemetry"]["metrics"]): Omit<ServerSection, "endpoint"> {
  return {
    transport,
    allowed_hosts,
    ...(tls === undefined ? {} : { tls }),
    ...(auth === undefined ? {} : { auth }),
  };
}

function checkTopLevel(
  root: MapNode,
  factories: readonly AnyFactory[],
  report: (problem: ConfigProblem) => void,
): void {
  const known = [...Object.keys(sections), "service"];
  for (const [key, { keyAt }] of root.entries) {
    if (known.includes(key)) continue;
    const message =
      key === "connectors"
        ? noConnectorsMessage(factories)
        : `is not a section.${didYouMean(key, known) || ` The sections are: ${known.join(", ")}.`}`;
    report({ at: keyAt, path: [key], message });
  }
  for (const section of ["receivers", "exporters"]) {
    const node = nodeAt(root, [section]);
    const isEmpty =
      node === undefined ||
      (node.kind === "map" && node.entries.size === 0) ||
      (node.kind === "scalar" && node.value === null && !node.failed);
    if (isEmpty)
      report({
        at: root.entries.get(section)?.keyAt ?? root.at,
        path: [section],
        message: `must have at least one ${section.slice(0, -1)}.`,
      });
  }
}

function noConnectorsMessage(factories: readonly AnyFactory[]): string {
  const [first] = factories.filter(isDeriving);
  const example =
    first === undefined
      ? ""
      : ` ${first.type} is configured in ${first.kind}s; name it in the ${first.kind}s of the pipelines that it observes and in the receivers of the pipelines that carry the data it derives.`;
  return `is not a section: this program has no connectors.${example}`;
}

function configured(
  { kind, id, factory, section }: DeclaredComponent,
  used: boolean,
): ConfiguredComponent {
  return { kind, id, factory, section, used };
}

function refOf({ component }: Reference): ComponentRef {
  return { kind: component.kind, id: component.id };
}

function noticesOf(
  components: readonly DeclaredComponent[],
  used: ReadonlySet<DeclaredComponent>,
  pipelines: readonly ResolvedPipeline[],
): readonly ConfigProblem[] {
  // The Collector's sentence. The id stays as written, in pipelines, logs and metrics.
  const renamed = components
    .filter(({ id, factory }) => factory.deprecatedAlias === id.split("/", 1)[0])
    .map(({ keyAt, path, factory }) => ({
      at: keyAt,
      path,
      message: `"${factory.deprecatedAlias}" alias is deprecated; use "${factory.type}" instead.`,
    }));
  const unused = components
    .filter((component) => !used.has(component))
    .map((component) => ({
      at: component.keyAt,
      path: component.path,
      message:
        component.kind === "extension"
          ? "is configured, but service.extensions does not name it, so it does not run. Add it there or remove it."
          : "is configured, but no pipeline names it, so it does not run. Add it to a pipeline or remove it.",
    }));
  const unheard = components
    .filter((component) => used.has(component) && isDeriving(component.factory))
    .filter(
      (component) =>
        !pipelines.some((each) =>
          each.receivers.some((receiver) => receiver.component === component),
        ),
    )
    .map((component) => ({
      at: component.keyAt,
      path: component.path,
      message:
        "derives data, but no pipeline names it in its receivers, so its metrics and events are lost. Add a pipeline with it in receivers.",
    }));
  const bypassed = pipelines.flatMap((pipeline) => {
    const scraped = pipeline.exporters.find(({ component }) => component.factory.roles.scraped);
    const derived = pipeline.receivers.find(({ component }) => isDeriving(component.factory));
    if (scraped === undefined || derived === undefined) return [];
    return pipeline.processors.map(({ component, at, path }) => ({
      at,
      path,
      message: `names "${component.id}", which does not affect the metrics of "${derived.component.id}" in the exporter "${scraped.component.id}": that exporter reads them directly from their source. Remove the processor.`,
    }));
  });
  return [...renamed, ...unused, ...unheard, ...bypassed];
}

/** What the components that run say of their own sections. */
function ownNotices(
  root: MapNode,
  components: readonly DeclaredComponent[],
  used: ReadonlySet<DeclaredComponent>,
): readonly ConfigProblem[] {
  return components
    .filter((component) => used.has(component))
    .flatMap(({ factory, section, path }) =>
      (factory.noticesOf?.(section) ?? []).map((notice) => {
        const whole = [...path, ...notice.path];
        return { at: positionOf(root, whole), path: whole, message: notice.message };
      }),
    );
}

function unusedStorages(
  extensions: readonly Reference[],
  uses: readonly StorageUse[],
): readonly ConfigProblem[] {
  return extensions
    .filter(({ component }) => component.factory.roles.storage)
    .filter(({ component }) => !uses.some(({ storage }) => storage === component))
    .map(({ component, at, path }) => ({
      at,
      path,
      message: `names "${component.id}", but no component names it in its storage option, so it stores nothing.`,
    }));
}

/** An authenticator that no component names is dangerous: its user believes that the receivers are protected. */
function unusedAuthenticators(
  extensions: readonly Reference[],
  used: ReadonlySet<DeclaredComponent>,
): readonly ConfigProblem[] {
  return extensions
    .filter(({ component }) => isAuthenticator(component) && !used.has(component))
    .map(({ component, at, path }) => ({
      at,
      path,
      message: `names "${component.id}", but no component names it in auth.authenticator, so it protects nothing.`,
    }));
}

/** Other extensions may need them from their start on. They need none. */
function authenticatorsFirst(extensions: readonly Reference[]): readonly Reference[] {
  const isFirst = ({ component }: Reference) => isAuthenticator(component);
  return [...extensions.filter(isFirst), ...extensions.filter((each) => !isFirst(each))];
}

function isAuthenticator({ factory }: DeclaredComponent): boolean {
  return factory.authenticates !== undefined;
}

/** Freezes plain data recursively; leaves factories and other objects with a class unchanged. */
function frozen<T>(value: T): T {
  if (Array.isArray(value) || isPlain(value)) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return false;
  return Object.getPrototypeOf(value) === Object.prototype && !("create" in value);
}
