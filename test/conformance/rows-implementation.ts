import * as clients from "./client-checks.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as schema from "./schema-checks.ts";
import * as servers from "./server-checks.ts";
import { transports } from "./transport.ts";

const all = { transports } as const;

const emptyEnvelopes =
  "Given that, senders SHOULD NOT create empty envelopes (OTLP payloads that contain zero spans, zero metric points or zero log records), receivers MAY ignore empty envelopes, and implementations that receive and send (forward) OTLP payloads MAY drop empty envelopes.";

const noCapabilities = "There are no optional capabilities yet.";

/** The sections after the protocol. */
export const implementationSections: readonly Section[] = [
  sectionOf(
    "Multi-Destination Exporting",
    client({
      id: "destinations",
      level: "SHOULD",
      quote:
        "In such a situation, the client SHOULD implement queuing, acknowledgment handling, and retrying logic per destination.",
      ...all,
      ...clients.servesEachDestination,
    }),
    listed({
      id: "shared-data",
      level: "SHOULD",
      role: "client",
      quote:
        "The queues SHOULD reference shared, immutable data to be sent, thus minimizing the memory overhead caused by having multiple queues.",
      untested:
        "The queues of all exporters hold the same bytes. Nothing of that is visible on the wire; `test/contract` checks that no component changes a payload.",
    }),
  ),
  sectionOf(
    "Empty Telemetry Envelopes",
    client({
      id: "empty-envelopes-client",
      level: "SHOULD NOT",
      quote: emptyEnvelopes,
      ...all,
      ...clients.sendsNoEmptyRequests,
    }),
    server({
      id: "empty-envelopes-server",
      level: "MAY",
      quote: emptyEnvelopes,
      note: "A request without an item is answered with success and goes nowhere. Empty envelopes beside items stay as they are.",
      ...all,
      ...servers.dropsEmptyRequests,
    }),
  ),
  sectionOf(
    "Future Versions and Interoperability",
    server({
      id: "other-versions-server",
      level: "MUST",
      quote:
        "When possible, the interoperability MUST be ensured between all versions of OTLP that are not declared obsolete.",
      note: "Fields of later versions are forwarded in protobuf, and ignored in JSON.",
      ...all,
      ...schema.takesLaterVersions,
    }),
    client({
      id: "other-versions-client",
      level: "MUST",
      quote:
        "When possible, the interoperability MUST be ensured between all versions of OTLP that are not declared obsolete.",
      note: "Fields of later versions in a response are ignored.",
      ...all,
      ...schema.readsLaterVersions,
    }),
    listed({
      id: "capabilities-discovered",
      level: "SHOULD",
      role: "other",
      quote:
        "Such capabilities SHOULD be discovered by client and server implementations after establishing the underlying transport.",
      untested: noCapabilities,
    }),
    listed({
      id: "capabilities-described",
      level: "SHOULD",
      role: "other",
      quote:
        "The exact discovery mechanism SHOULD be described in future OTEPs, which define the new capabilities and typically can be implemented by making a discovery request/response message exchange from the client to server.",
      untested: "This is for those who write the specification.",
    }),
    listed({
      id: "capabilities-adjusted",
      level: "MUST",
      role: "other",
      quote:
        "The implementation which supports a new, optional capability MUST adjust its behavior to match the expectation of a peer that does not support a particular capability.",
      untested: noCapabilities,
    }),
  ),
];
