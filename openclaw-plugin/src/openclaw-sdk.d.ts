/**
 * The part of OpenClaw's plugin SDK that the relay uses, as in both 2026.4.30-beta.1 and 2026.9.6.
 * OpenClaw resolves these modules itself when it loads the plugin, so there is no package to depend on.
 */
declare module "openclaw/plugin-sdk/plugin-entry" {
  export interface PluginLogger {
    info(message: string): void;
    warn(message: string): void;
    error(message: string): void;
  }

  export interface PluginServiceContext {
    readonly config: unknown;
    readonly logger: PluginLogger;
  }

  export interface PluginApi {
    /** `plugins.entries.<id>.config`, checked against the schema of the manifest. */
    readonly pluginConfig?: unknown;
    readonly runtime?: {
      readonly version?: unknown;
      readonly events?: {
        /** Calls `listener` with every event of the agents of this process. Returns a function that removes the listener. */
        onAgentEvent?(listener: (event: unknown) => void): () => void;
      };
    };
    readonly registrationMode?: string;
    registerService(service: {
      readonly id: string;
      start(context: PluginServiceContext): void | Promise<void>;
      stop?(context: PluginServiceContext): void | Promise<void>;
    }): void;
    on(hook: string, handler: (event: unknown, context: unknown) => void): void;
  }

  export function definePluginEntry(entry: {
    readonly id: string;
    readonly name: string;
    readonly description: string;
    register(api: PluginApi): void;
  }): unknown;
}

declare module "openclaw/plugin-sdk/diagnostic-runtime" {
  /**
   * Calls `listener` with every internal diagnostic event. Versions that know `interest` copy only the events named
   * there; older ones ignore it. Returns a function that removes the listener.
   */
  export function onInternalDiagnosticEvent(
    listener: (event: unknown, metadata: unknown) => void,
    interest?: { readonly include?: readonly string[] },
  ): () => void;
}

declare module "openclaw/plugin-sdk/gateway-runtime" {
  export interface GatewayClient {
    start(): void;
    stop(): void;
  }

  /** Creates a client to which the gateway of this process sends its approvals. Only newer versions have it. */
  export const createOperatorApprovalsGatewayClient:
    | undefined
    | ((params: {
        readonly config: unknown;
        readonly clientDisplayName: string;
        readonly onEvent: (event: { readonly event: string; readonly payload?: unknown }) => void;
      }) => Promise<GatewayClient>);
}
