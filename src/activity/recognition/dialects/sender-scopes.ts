/** The instrumentation scope of the spans and events of our plugin for OpenClaw. */
export const relayScopeName = "openclaw-activity-relay";

/** The instrumentation scope of the events of our preload. Its spans keep the scopes that they have. */
export const preloadScopeName = "openclaw-activity-preload";
