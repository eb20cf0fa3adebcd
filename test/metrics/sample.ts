import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { ManualReader } from "../../src/metrics/manual-reader.ts";

/** A provider with one instrument of each kind, and with names and labels that are easily rendered wrong. */
export function sampleMetrics() {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter("openclaw-activity-collector", "0.1.0");
  const evicted = meter.createCounter("openclaw.session.activity.evicted", {
    unit: "{marker}",
    description: "Markers that were evicted.",
  });
  evicted.add(3, { "openclaw.reason": "orphaned_no_owner" });
  evicted.add(0, { "openclaw.reason": "max_age" });
  meter
    .createUpDownCounter("openclaw.session.activity.open", {
      unit: "{marker}",
      description: "Work that is open, \\ and a second\nline.",
    })
    .add(2, { "openclaw.kind": 'to"ol\n\\' });
  meter
    .createGauge("openclaw.session.activity.oldest_age", {
      unit: "s",
      description: "Age of the oldest open work.",
    })
    .record(1.5, { "openclaw.kind": "tool", attempt: 2, retried: true });
  meter
    .createHistogram("openclaw.session.activity.duration", {
      unit: "s",
      description: "How long work was open.",
      advice: { explicitBucketBoundaries: [1, 60] },
    })
    .record(30, { "openclaw.kind": "tool" });
  meter
    .createCounter("openclaw.process.cpu", { unit: "s", description: "Processor time." })
    .add(0.25);
  meter
    .createGauge("openclaw.process.memory", { unit: "By", description: "Resident memory." })
    .record(1024);
  meter.createGauge("openclaw.fill", { unit: "1", description: "How full." }).record(0.5);
  return { reader, provider, meter };
}
