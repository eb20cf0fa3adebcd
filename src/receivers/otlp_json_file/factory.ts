import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createOtlpJsonFileReceiver } from "./receiver.ts";

export const factory = declare({
  type: "otlp_json_file",
  deprecatedAlias: "otlpjsonfile",
  kind: "receiver",
  roles: { receiver: ["traces", "metrics", "logs"] },
  stability: "alpha",
  description: "Reads traces, metrics and logs from files with lines of OTLP JSON.",
  schema,
  storageKey: ["storage"],
  create: createOtlpJsonFileReceiver,
});
