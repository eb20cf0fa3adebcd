import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

/** A tool that never answers and does not notice that its turn is over: no end of it is ever reported. */
export default definePluginEntry({
  id: "silent-tool",
  name: "Silent tool",
  description: "Registers a tool that never answers. For tests only.",
  register(api) {
    api.registerTool({
      name: "wait_forever",
      description: "Never answers.",
      parameters: { type: "object", properties: {} },
      execute: () => new Promise(() => {}),
    });
  },
});
