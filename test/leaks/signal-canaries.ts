import type protobuf from "protobufjs";
import { type Framework, frameworks } from "../../src/activity/recognition/frameworks.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import {
  encodeModel,
  isIdField,
  jsonOf,
  type Model,
  requestType,
  type Value,
} from "../otlp/arbitrary-messages.ts";
import { type AgentSpan, tracesRequest } from "../support/agent-spans.ts";
import type { CanaryMint } from "./canary-mint.ts";
import { classifyingKeys, idKeys, keysInSource, labelKeys } from "./known-keys.ts";

/** A body that a sender posts. */
export interface Body {
  readonly what: string;
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  readonly isJson?: boolean;
}

const known = keysInSource();

/** Texts where a name is expected: none of them is one. */
const labelShapes: readonly ((token: string) => string)[] = [
  (token) => `agent:main:${token}`,
  (token) => `telegram:agent:main:${token}`,
  (token) => `${token} is a sentence`,
  (token) => `${token}@example.com`,
  (token) => `{"id":"${token}"}`,
  (token) => `/sessions/${token}`,
  (token) => `agent%253Amain%253A${token}`,
  (token) => `x\\nagent\\u003amain\\u003a${token}`,
  (token) => `Authorization: ApiKey ${token}`,
  (token) => `password=a,${token}`,
];

export function labelOf(mint: CanaryMint, origin: string): string {
  return mint.mint(origin, mint.pick(labelShapes));
}

const knownOf = new WeakMap<CanaryMint, Readonly<Record<string, string>>>();

/** A value for every attribute that the code knows by its name, except for those that say what a span is; the same in every place. */
function knownAttributes(mint: CanaryMint): Readonly<Record<string, string>> {
  const attributes =
    knownOf.get(mint) ??
    Object.fromEntries(
      [...new Set([...known, ...idKeys])]
        .filter((key) => !classifyingKeys.has(key))
        .map((key) => {
          const origin = `attribute ${key}`;
          return [key, labelKeys.has(key) ? labelOf(mint, origin) : mint.id(origin)];
        }),
    );
  knownOf.set(mint, attributes);
  return attributes;
}

/** Ids under the keys of the frameworks and of OpenClaw only. */
export function idAttributes(mint: CanaryMint, where: string): Record<string, string> {
  const keys = Object.values<Framework>(frameworks).flatMap(
    ({ sessionReferences = [] }) => sessionReferences,
  );
  return Object.fromEntries(
    [...new Set([...keys, ...idKeys])].map((key) => [key, mint.id(`${where}, attribute ${key}`)]),
  );
}

/** A request with every field that OTLP has; each text is a canary. As protobuf, and as JSON in two spellings. */
export function fullRequests(mint: CanaryMint): readonly Body[] {
  return (["traces", "metrics", "logs"] as const).flatMap((signal): Body[] => {
    const type = requestType(signal);
    const model = () => fullMessage(mint, type, { path: signal, depth: 0 });
    const json = (snakeCase: boolean) =>
      Buffer.from(
        jsonOf(type, model(), {
          snakeCase,
          longsAsNumbers: false,
          enumNames: snakeCase,
          upperHex: false,
        }),
      );
    return [
      { what: `every field of ${signal}`, signal, bytes: encodeModel(type, model()) },
      { what: `every field of ${signal} in JSON`, signal, bytes: json(false), isJson: true },
      { what: `every field of ${signal} in snake_case`, signal, bytes: json(true), isJson: true },
    ];
  });
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

function fullMessage(mint: CanaryMint, type: protobuf.Type, { path, depth }: Place): Model {
  const model: Model = {};
  for (const field of type.fieldsArray) {
    // Of several that exclude each other one; the parent has one message for each.
    if (field.partOf !== null || depth > 8) {
      continue;
    }
    const inside = { path: `${path}.${field.name}`, depth: depth + 1 };
    model[field.name] = field.repeated
      ? variantsOf(mint, field, inside)
      : (variantsOf(mint, field, inside)[0] ?? {});
  }
  return model;
}

/** One value for each alternative that a field has. */
function variantsOf(mint: CanaryMint, field: protobuf.Field, place: Place): Value[] {
  if (!("fieldsArray" in (field.resolvedType ?? {}))) {
    return [scalarOf(mint, field, place)];
  }
  const type = field.resolvedType as protobuf.Type;
  if (type.name === "KeyValue") {
    return attributesOf(mint, type, place);
  }
  const [oneof] = type.oneofsArray;
  if (oneof === undefined) {
    return [fullMessage(mint, type, place)];
  }
  return oneof.fieldsArray.map((member) => ({
    ...fullMessage(mint, type, place),
    [member.name]:
      (member.resolvedType ?? null) === null
        ? scalarOf(mint, member, place)
        : (variantsOf(mint, member, { ...place, path: `${place.path}.${member.name}` })[0] ?? {}),
  }));
}

/** The lists of attributes in which the code looks for keys. */
const wellKnown = /(?:resource|spans|logRecords|sum\.dataPoints)\.attributes$/;

/** Every key that the code knows, and a key of its own for each type of a value. */
function attributesOf(mint: CanaryMint, type: protobuf.Type, place: Place): Value[] {
  const all = wellKnown.test(place.path) ? Object.entries(knownAttributes(mint)) : [];
  // A series with hundreds of labels is not shown.
  const attributes = Object.fromEntries(
    place.path.startsWith("metrics") ? all.filter(([key]) => idKeys.includes(key)) : all,
  );
  const texts = Object.entries(attributes).map(([key, stringValue]) => ({
    key,
    value: { stringValue },
  }));
  const value = type.fields["value"];
  const others =
    value === undefined || /(?:attributes|Attributes|metadata).*(?:values|Value)/.test(place.path)
      ? []
      : variantsOf(mint, value, place).map((variant) => ({
          key: mint.mint(`${place.path}, key`),
          value: variant,
        }));
  return [...texts, ...others];
}

let metricNumber = 0;

function scalarOf(mint: CanaryMint, field: protobuf.Field, { path }: Place): Value {
  switch (field.type) {
    case "string":
      // A metric whose name looks like an id is not shown at all, and then nothing of it could leak there.
      if (/\.metrics\.name$/.test(path)) {
        metricNumber += 1;
        return `leaks.metric.of_kind_${String.fromCharCode(97 + (metricNumber % 26))}`;
      }
      if (/\.metrics\.unit$/.test(path)) {
        return "s"; // It becomes a part of the name.
      }
      return field.name === "name" ? labelOf(mint, path) : mint.mint(path);
    case "bytes":
      return isIdField(field)
        ? mint.traceId(path, field.name === "traceId" ? 16 : 8)
        : Buffer.from(mint.id(path));
    case "int64":
      return BigInt(mint.digits(path));
    case "fixed64":
      return /Unix/.test(field.name) ? BigInt(Date.now()) * 1_000_000n : 1n;
    case "bool":
      return true;
    default:
      // A flag says that a data point has no value.
      return field.name === "flags" ? 0 : 1;
  }
}

/** How a framework marks a span of a kind. */
interface Mark {
  readonly name?: string;
  readonly scope?: string;
  readonly attributes: Readonly<Record<string, string>>;
}

function marksOf(framework: Framework): readonly Mark[] {
  return [
    ...(framework.attributes ?? []).flatMap(({ key, values }) =>
      Object.keys(values).map((value) => ({ attributes: { [key]: value } })),
    ),
    ...Object.keys(framework.names?.values ?? {}).map((name) => ({
      name,
      ...(framework.names?.scope === undefined ? {} : { scope: framework.names.scope }),
      attributes: {},
    })),
    ...(framework.notWork ?? []).map((name) => ({ name, attributes: {} })),
  ];
}

/** A turn with spans of every kind that a framework knows, which all have ids: open at first, then the outermost ends. */
export function frameworkTurns(mint: CanaryMint): readonly Body[] {
  return Object.entries<Framework>(frameworks).flatMap(([name, framework]): Body[] => {
    const where = `framework ${name}`;
    const service = `leaks_${name.toLowerCase()}`;
    const ids = idAttributes(mint, where);
    let parent: AgentSpan | undefined;
    const spans = marksOf(framework).map(({ name: spanName, attributes }, at) => {
      const span: AgentSpan = {
        name: spanName ?? labelOf(mint, `${where}, span name`),
        traceId: parent?.traceId ?? mint.traceId(where, 16),
        spanId: mint.traceId(where, 8),
        ...(parent === undefined ? {} : { parent }),
        startUnixMs: Date.now(),
        attributes: {
          ...(at % 2 === 0 ? ids : knownAttributes(mint)),
          "gen_ai.input.messages": messages(mint, where),
          "gen_ai.output.messages": messages(mint, where),
          ...attributes,
        },
      };
      parent ??= span;
      return span;
    });
    const endUnixMs = Date.now() + 1;
    const [first, ...rest] = spans;
    return [
      {
        what: where,
        signal: "traces",
        bytes: tracesRequest(
          service,
          spans.map((span) => ({ span })),
        ),
      },
      {
        what: where,
        signal: "traces",
        bytes: tracesRequest(service, [
          ...rest.slice(0, rest.length / 2).map((span) => ({ span, endUnixMs })),
          ...(first === undefined ? [] : [{ span: first, endUnixMs }]),
        ]),
      },
    ];
  });
}

/** Captured content, with ids of calls and what a person wrote. */
function messages(mint: CanaryMint, where: string): string {
  const id = mint.id(`${where}, tool call in a message`);
  return JSON.stringify([
    {
      role: "assistant",
      parts: [
        { type: "tool_call", id, name: labelOf(mint, where), arguments: { q: mint.mint(where) } },
        { type: "text", content: mint.mint(`${where}, what a person wrote`) },
        { type: "tool_call_response", id, response: mint.mint(where) },
      ],
    },
  ]);
}

/** Bodies that cannot be read, or only in part, with canaries in and beside the broken place. */
export function malformedBodies(
  mint: CanaryMint,
  bodies: readonly Body[],
  count: number,
): readonly Body[] {
  return Array.from({ length: count }, (_, at) => {
    const body = bodies[at % bodies.length]!;
    const change = mint.pick(body.isJson ? jsonFaults : wireFaults);
    return {
      ...body,
      what: `${body.what}, malformed`,
      bytes: change(mint, Buffer.from(body.bytes)),
    };
  });
}

type Fault = (mint: CanaryMint, bytes: Buffer) => Buffer;
const between = (mint: CanaryMint, bytes: Buffer) =>
  Math.floor((mint.pick([1, 2, 3, 5, 8, 13, 21, 34, 55, 89]) / 90) * bytes.length);
const canary = (mint: CanaryMint) => Buffer.from(mint.id("the broken place"));
const spliced = (bytes: Buffer, at: number, part: Uint8Array, removed = 0) =>
  Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + removed)]);

const wireFaults: readonly Fault[] = [
  (mint, bytes) => bytes.subarray(0, between(mint, bytes)),
  (mint, bytes) => spliced(bytes, between(mint, bytes), canary(mint)),
  (mint, bytes) => {
    const at = between(mint, bytes);
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ mint.pick([1, 2, 4, 8, 16, 32, 64, 128]);
    return changed;
  },
  (mint, bytes) =>
    spliced(bytes, between(mint, bytes), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]), 5),
  (mint) => canary(mint),
  (mint) => Buffer.concat([Buffer.from([0x0a, 0x7f]), canary(mint)]),
  // Fields that nobody knows.
  (mint, bytes) => {
    const text = canary(mint);
    return Buffer.concat([bytes, Buffer.from([0xfa, 0x7f, text.length]), text]);
  },
];

const jsonFaults: readonly Fault[] = [
  (mint, bytes) => bytes.subarray(0, between(mint, bytes)),
  (mint, bytes) => spliced(bytes, between(mint, bytes), canary(mint)),
  (mint, bytes) => spliced(bytes, between(mint, bytes), Buffer.from(`"${mint.plain("JSON")}`)),
  (mint) => Buffer.from(`{"resourceSpans": [{"${mint.plain("JSON")}": ${mint.plain("JSON")}}]}`),
  (mint) => Buffer.from(`{"resourceSpans": "${mint.plain("JSON")}"}`),
  (mint) => Buffer.from(`["${mint.plain("JSON")}"]`),
  (mint) => Buffer.from(`"${mint.plain("JSON")}\\x"`),
  (mint) => canary(mint),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:stringValue|string_value)": ?"[^"\\]{1,40}"/,
      `"stringValue": {"${mint.plain("a map for a text")}": 1}`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:traceId|trace_id)": ?"[^"]*"/,
      `"traceId": "${mint.plain("a trace id")}"`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:traceId|trace_id)": ?"[^"]*"/,
      `"traceId": ["${mint.plain("a trace id")}"]`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:intValue|int_value)": ?"[^"]*"/,
      `"intValue": "${mint.plain("a number")}"`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:intValue|int_value)": ?"[^"]*"/,
      `"intValue": 9${mint.digits("a number")}e99999`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:bytesValue|bytes_value)": ?"[^"]*"/,
      `"bytesValue": "*${mint.plain("base64")}*"`,
    ),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"(?:timeUnixNano|time_unix_nano)": ?"[^"]*"/,
      `"timeUnixNano": "${mint.plain("a time")}"`,
    ),
  (mint, bytes) => replacedText(bytes, /"kind": ?[^,}]*/, `"kind": "${mint.plain("an enum")}"`),
  (mint, bytes) =>
    replacedText(
      bytes,
      /"attributes": ?\[/,
      `"attributes": [{"key": 5, "value": "${mint.plain("a value")}"}, "${mint.plain("an attribute")}", `,
    ),
];

function replacedText(bytes: Buffer, pattern: RegExp, by: string): Buffer {
  return Buffer.from(bytes.toString().replace(pattern, () => by));
}
