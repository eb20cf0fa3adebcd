import type { Section } from "./row.ts";
import { grpcSections } from "./rows-grpc.ts";
import { grpcAnswerSections } from "./rows-grpc-answers.ts";
import { httpSections } from "./rows-http.ts";
import { httpAnswerSections } from "./rows-http-answers.ts";
import { implementationSections } from "./rows-implementation.ts";
import { schemaSections } from "./rows-schema.ts";

/** The version of the specification whose sentences these are. */
export const specification = {
  version: "1.11.0",
  url: "https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/docs/specification.md",
  schemaUrl:
    "https://github.com/open-telemetry/opentelemetry-proto/tree/v1.11.0/opentelemetry/proto",
} as const;

const answersOfHttp = httpSections.findIndex(({ title }) => title === "OTLP/HTTP Connection");

/** Every sentence of the specification with a key word of RFC 2119, and some without, from top to bottom. */
export const sections: readonly Section[] = [
  ...grpcSections,
  ...grpcAnswerSections,
  ...httpSections.slice(0, answersOfHttp),
  ...httpAnswerSections,
  ...httpSections.slice(answersOfHttp),
  ...implementationSections,
  ...schemaSections,
];
