import type { z } from "zod";
import type { Signal } from "../otlp/payload.ts";
import type { AuthSide } from "./authenticator.ts";
import type { Component } from "./component.ts";
import type { ComponentKind } from "./component-kind.ts";
import type { Settings } from "./settings.ts";

/** How much a component may still change, in the Collector's words. */
export type Stability = "development" | "alpha" | "beta" | "stable";

/** Which signals a component handles when a pipeline names it in that role. */
export interface Roles {
  readonly receiver?: readonly Signal[];
  readonly processor?: readonly Signal[];
  /** Signals that are pushed to it. */
  readonly exporter?: readonly Signal[];
  /** Set when it serves scrapes: it collects the metrics of components that have some, which are then not pushed to it. */
  readonly scraped?: boolean;
  /** Set by extensions that keep journals, so that other components may name them. */
  readonly storage?: true;
}

/** Where in its section a user names an authenticator, and on which side of a connection it has to work. */
export interface AuthKey {
  readonly path: readonly string[];
  readonly side: AuthSide;
}

/** A probable mistake in a valid section. */
export interface SectionNotice {
  /** Where it is, from the section of the component. */
  readonly path: readonly (string | number)[];
  /** Completes the sentence that begins with the path. */
  readonly message: string;
}

/** Where OTLP of a signal is received or sent. */
export interface OtlpAddress {
  /** The option that says so, from the section of the component. */
  readonly path: readonly string[];
  /** `host` and `port`, or the path of a unix socket. */
  readonly address: { readonly host: string; readonly port: number } | string;
  readonly protocol: "http" | "grpc";
  /** The path of requests over HTTP; empty for gRPC. */
  readonly urlPath: string;
  readonly isSecure: boolean;
}

/**
 * Declares a type of component. `kind` is the section of the config that configures it; `roles` are the parts of a pipeline
 * that may name it. The type, the defaults, the validation, the JSON Schema and the docs come from `schema`.
 */
export interface Factory<C> {
  readonly type: string;
  /** A name that the Collector gave the type before. Configs may still use it, with a warning. */
  readonly deprecatedAlias?: string;
  readonly kind: ComponentKind;
  readonly roles: Roles;
  readonly stability: Stability;
  /** One sentence for `components` and the docs. */
  readonly description: string;
  readonly schema: z.ZodType<C>;
  /**
   * Where in its section a user names the storage extension of the component, e.g. `["storage"]`; left out by types
   * that store nothing. The schema must have the key, as an optional text.
   */
  readonly storageKey?: readonly string[];
  /** Each place for an authenticator; the schema must have the key, as an optional text. The component asks `Settings.authenticator` for it. */
  readonly authKeys?: readonly AuthKey[];
  /** Set by extensions that authenticate: the sides on which one with this config works. */
  readonly authenticates?: (config: C) => readonly AuthSide[];
  /** The options that say where the component listens, e.g. `[["endpoint"]]`, so that two on one address are found before the start. */
  readonly listensAt?: readonly (readonly string[])[];
  /** Where it receives OTLP, and where it sends it, so that an exporter is not configured to send to the receiver it is fed by. */
  readonly receivesAt?: (config: C, signal: Signal) => readonly OtlpAddress[];
  readonly sendsTo?: (config: C, signal: Signal) => readonly OtlpAddress[];
  /** What in a valid config was probably not meant; `validate` and the start show it. */
  readonly noticesOf?: (config: C) => readonly SectionNotice[];
  /** Builds the component and does nothing else: no sockets, no timers. */
  create(settings: Settings, config: C): Component;
}

/** A factory whose config type is closed over, so that different ones fit in one list. */
export interface AnyFactory
  extends Omit<
    Factory<unknown>,
    "create" | "authenticates" | "receivesAt" | "sendsTo" | "noticesOf"
  > {
  /** `section` is the user's section after expansion; one that `schema` refuses throws. */
  create(settings: Settings, section: unknown): Component;
  readonly authenticates?: (section: unknown) => readonly AuthSide[];
  readonly receivesAt?: (section: unknown, signal: Signal) => readonly OtlpAddress[];
  readonly sendsTo?: (section: unknown, signal: Signal) => readonly OtlpAddress[];
  readonly noticesOf?: (section: unknown) => readonly SectionNotice[];
}

/** Closes a factory over its config type. */
export function declare<C>(factory: Factory<C>): AnyFactory {
  const { authenticates, receivesAt, sendsTo, noticesOf, ...rest } = factory;
  return {
    ...rest,
    ...(authenticates === undefined
      ? {}
      : { authenticates: (section) => authenticates(factory.schema.parse(section)) }),
    ...(receivesAt === undefined
      ? {}
      : { receivesAt: (section, signal) => receivesAt(factory.schema.parse(section), signal) }),
    ...(sendsTo === undefined
      ? {}
      : { sendsTo: (section, signal) => sendsTo(factory.schema.parse(section), signal) }),
    ...(noticesOf === undefined
      ? {}
      : { noticesOf: (section) => noticesOf(factory.schema.parse(section)) }),
    create: (settings, section) => factory.create(settings, factory.schema.parse(section)),
  };
}

/** Whether `id` (`type` or `type/name`) is of this type, also under its old name. */
export function isOfType({ type, deprecatedAlias }: AnyFactory, id: string): boolean {
  const written = id.split("/", 1)[0];
  return written === type || written === deprecatedAlias;
}
