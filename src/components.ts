import type { AnyFactory } from "./component/factory.ts";
import { factory as debugExporter } from "./exporters/debug/factory.ts";
import { factory as fileExporter } from "./exporters/file/factory.ts";
import { factory as otlpGrpcExporter } from "./exporters/otlp_grpc/factory.ts";
import { factory as otlpHttpExporter } from "./exporters/otlp_http/factory.ts";
import { factory as prometheusExporter } from "./exporters/prometheus/factory.ts";
import { factory as basicAuthExtension } from "./extensions/basic_auth/factory.ts";
import { factory as bearerTokenAuthExtension } from "./extensions/bearer_token_auth/factory.ts";
import { factory as fileStorageExtension } from "./extensions/file_storage/factory.ts";
import { factory as healthCheckExtension } from "./extensions/health_check/factory.ts";
import { factory as memoryLimiterProcessor } from "./processors/memory_limiter/factory.ts";
import { factory as redactionProcessor } from "./processors/redaction/factory.ts";
import { factory as sessionActivityProcessor } from "./processors/session_activity/factory.ts";
import { factory as otlpReceiver } from "./receivers/otlp/factory.ts";
import { factory as otlpJsonFileReceiver } from "./receivers/otlp_json_file/factory.ts";

/** Every type of component there is. Adding one is adding a line here. */
export const components: readonly AnyFactory[] = [
  otlpReceiver,
  otlpJsonFileReceiver,
  memoryLimiterProcessor,
  sessionActivityProcessor,
  redactionProcessor,
  prometheusExporter,
  otlpHttpExporter,
  otlpGrpcExporter,
  fileExporter,
  debugExporter,
  basicAuthExtension,
  bearerTokenAuthExtension,
  fileStorageExtension,
  healthCheckExtension,
];
