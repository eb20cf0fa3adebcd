import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createFileStorage } from "./extension.ts";

export const factory = declare({
  type: "file_storage",
  kind: "extension",
  roles: { storage: true },
  stability: "alpha",
  description: "Keeps what components must remember over a restart in files.",
  schema,
  create: createFileStorage,
});
