import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createFileStorage } from "./extension.ts";

export const factory = declare({
  type: "file_storage",
  kind: "extension",
  roles: { storage: true },
  stability: "alpha",
  description: "Stores the state of components in files, so that it survives a restart.",
  schema,
  create: createFileStorage,
});
