/**
 * The messages of OTLP's export requests, for reading and writing JSON: every field with its number and its type,
 * which is a scalar of protobuf, `id` (bytes that OTLP's JSON writes in hex), an enum or a message.
 * It has the same content as `proto/otlp.proto`; a test compares the two.
 */
export const messageTable = {
  // ---- common
  AnyValue: {
    stringValue: [1, "string"],
    boolValue: [2, "bool"],
    intValue: [3, "int64"],
    doubleValue: [4, "double"],
    arrayValue: [5, "ArrayValue"],
    kvlistValue: [6, "KeyValueList"],
    bytesValue: [7, "bytes"],
  },
  ArrayValue: {
    values: [1, "AnyValue", "repeated"],
  },
  KeyValueList: {
    values: [1, "KeyValue", "repeated"],
  },
  KeyValue: {
    key: [1, "string"],
    value: [2, "AnyValue"],
  },
  InstrumentationScope: {
    name: [1, "string"],
    version: [2, "string"],
    attributes: [3, "KeyValue", "repeated"],
    droppedAttributesCount: [4, "uint32"],
  },
  EntityRef: {
    schemaUrl: [1, "string"],
    type: [2, "string"],
    idKeys: [3, "string", "repeated"],
    descriptionKeys: [4, "string", "repeated"],
  },
  Resource: {
    attributes: [1, "KeyValue", "repeated"],
    droppedAttributesCount: [2, "uint32"],
    entityRefs: [3, "EntityRef", "repeated"],
  },

  // ---- traces
  ExportTraceServiceRequest: {
    resourceSpans: [1, "ResourceSpans", "repeated"],
  },
  ResourceSpans: {
    resource: [1, "Resource"],
    scopeSpans: [2, "ScopeSpans", "repeated"],
    schemaUrl: [3, "string"],
  },
  ScopeSpans: {
    scope: [1, "InstrumentationScope"],
    spans: [2, "Span", "repeated"],
    schemaUrl: [3, "string"],
  },
  Span: {
    traceId: [1, "id"],
    spanId: [2, "id"],
    traceState: [3, "string"],
    parentSpanId: [4, "id"],
    name: [5, "string"],
    kind: [6, "SpanKind"],
    startTimeUnixNano: [7, "fixed64"],
    endTimeUnixNano: [8, "fixed64"],
    attributes: [9, "KeyValue", "repeated"],
    droppedAttributesCount: [10, "uint32"],
    events: [11, "SpanEvent", "repeated"],
    droppedEventsCount: [12, "uint32"],
    links: [13, "SpanLink", "repeated"],
    droppedLinksCount: [14, "uint32"],
    status: [15, "Status"],
    flags: [16, "fixed32"],
  },
  SpanEvent: {
    timeUnixNano: [1, "fixed64"],
    name: [2, "string"],
    attributes: [3, "KeyValue", "repeated"],
    droppedAttributesCount: [4, "uint32"],
  },
  SpanLink: {
    traceId: [1, "id"],
    spanId: [2, "id"],
    traceState: [3, "string"],
    attributes: [4, "KeyValue", "repeated"],
    droppedAttributesCount: [5, "uint32"],
    flags: [6, "fixed32"],
  },
  Status: {
    message: [2, "string"],
    code: [3, "StatusCode"],
  },

  // ---- logs
  ExportLogsServiceRequest: {
    resourceLogs: [1, "ResourceLogs", "repeated"],
  },
  ResourceLogs: {
    resource: [1, "Resource"],
    scopeLogs: [2, "ScopeLogs", "repeated"],
    schemaUrl: [3, "string"],
  },
  ScopeLogs: {
    scope: [1, "InstrumentationScope"],
    logRecords: [2, "LogRecord", "repeated"],
    schemaUrl: [3, "string"],
  },
  LogRecord: {
    timeUnixNano: [1, "fixed64"],
    severityNumber: [2, "SeverityNumber"],
    severityText: [3, "string"],
    body: [5, "AnyValue"],
    attributes: [6, "KeyValue", "repeated"],
    droppedAttributesCount: [7, "uint32"],
    flags: [8, "fixed32"],
    traceId: [9, "id"],
    spanId: [10, "id"],
    observedTimeUnixNano: [11, "fixed64"],
    eventName: [12, "string"],
  },

  // ---- metrics
  ExportMetricsServiceRequest: {
    resourceMetrics: [1, "ResourceMetrics", "repeated"],
  },
  ResourceMetrics: {
    resource: [1, "Resource"],
    scopeMetrics: [2, "ScopeMetrics", "repeated"],
    schemaUrl: [3, "string"],
  },
  ScopeMetrics: {
    scope: [1, "InstrumentationScope"],
    metrics: [2, "Metric", "repeated"],
    schemaUrl: [3, "string"],
  },
  Metric: {
    name: [1, "string"],
    description: [2, "string"],
    unit: [3, "string"],
    gauge: [5, "Gauge"],
    sum: [7, "Sum"],
    histogram: [9, "Histogram"],
    exponentialHistogram: [10, "ExponentialHistogram"],
    summary: [11, "Summary"],
    metadata: [12, "KeyValue", "repeated"],
  },
  Gauge: {
    dataPoints: [1, "NumberDataPoint", "repeated"],
  },
  Sum: {
    dataPoints: [1, "NumberDataPoint", "repeated"],
    aggregationTemporality: [2, "AggregationTemporality"],
    isMonotonic: [3, "bool"],
  },
  Histogram: {
    dataPoints: [1, "HistogramDataPoint", "repeated"],
    aggregationTemporality: [2, "AggregationTemporality"],
  },
  ExponentialHistogram: {
    dataPoints: [1, "ExponentialHistogramDataPoint", "repeated"],
    aggregationTemporality: [2, "AggregationTemporality"],
  },
  Summary: {
    dataPoints: [1, "SummaryDataPoint", "repeated"],
  },
  NumberDataPoint: {
    startTimeUnixNano: [2, "fixed64"],
    timeUnixNano: [3, "fixed64"],
    asDouble: [4, "double"],
    exemplars: [5, "Exemplar", "repeated"],
    asInt: [6, "sfixed64"],
    attributes: [7, "KeyValue", "repeated"],
    flags: [8, "uint32"],
  },
  HistogramDataPoint: {
    startTimeUnixNano: [2, "fixed64"],
    timeUnixNano: [3, "fixed64"],
    count: [4, "fixed64"],
    sum: [5, "double"],
    bucketCounts: [6, "fixed64", "repeated"],
    explicitBounds: [7, "double", "repeated"],
    exemplars: [8, "Exemplar", "repeated"],
    attributes: [9, "KeyValue", "repeated"],
    flags: [10, "uint32"],
    min: [11, "double"],
    max: [12, "double"],
  },
  ExponentialHistogramDataPoint: {
    attributes: [1, "KeyValue", "repeated"],
    startTimeUnixNano: [2, "fixed64"],
    timeUnixNano: [3, "fixed64"],
    count: [4, "fixed64"],
    sum: [5, "double"],
    scale: [6, "sint32"],
    zeroCount: [7, "fixed64"],
    positive: [8, "ExponentialHistogramDataPointBuckets"],
    negative: [9, "ExponentialHistogramDataPointBuckets"],
    flags: [10, "uint32"],
    exemplars: [11, "Exemplar", "repeated"],
    min: [12, "double"],
    max: [13, "double"],
    zeroThreshold: [14, "double"],
  },
  ExponentialHistogramDataPointBuckets: {
    offset: [1, "sint32"],
    bucketCounts: [2, "uint64", "repeated"],
  },
  SummaryDataPoint: {
    startTimeUnixNano: [2, "fixed64"],
    timeUnixNano: [3, "fixed64"],
    count: [4, "fixed64"],
    sum: [5, "double"],
    quantileValues: [6, "SummaryDataPointValueAtQuantile", "repeated"],
    attributes: [7, "KeyValue", "repeated"],
    flags: [8, "uint32"],
  },
  SummaryDataPointValueAtQuantile: {
    quantile: [1, "double"],
    value: [2, "double"],
  },
  Exemplar: {
    timeUnixNano: [2, "fixed64"],
    asDouble: [3, "double"],
    spanId: [4, "id"],
    traceId: [5, "id"],
    asInt: [6, "sfixed64"],
    filteredAttributes: [7, "KeyValue", "repeated"],
  },
} as const;

/** The fields of which a message has at most one. No message of OTLP has two such groups. */
export const oneofTable = {
  AnyValue: [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
  ],
  Metric: ["gauge", "sum", "histogram", "exponentialHistogram", "summary"],
  NumberDataPoint: ["asDouble", "asInt"],
  Exemplar: ["asDouble", "asInt"],
} as const;

/** The values of an enum in the order of their numbers, from 0, without the prefix of their names. */
export const enumTable = {
  SpanKind: {
    prefix: "SPAN_KIND_",
    values: ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"],
  },
  StatusCode: { prefix: "STATUS_CODE_", values: ["UNSET", "OK", "ERROR"] },
  SeverityNumber: {
    prefix: "SEVERITY_NUMBER_",
    values: [
      "UNSPECIFIED",
      ...["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((level) => [
        level,
        `${level}2`,
        `${level}3`,
        `${level}4`,
      ]),
    ],
  },
  AggregationTemporality: {
    prefix: "AGGREGATION_TEMPORALITY_",
    values: ["UNSPECIFIED", "DELTA", "CUMULATIVE"],
  },
} as const;
