import { nearestName } from "../../config/nearest-name.ts";

/**
 * Where a request has attributes and texts that can be redacted, in the words of OTTL's contexts and paths. Those without a dot are lists of
 * attributes. `log.body` is a value with attributes in it, all others with a dot are texts.
 */
export const places = [
  "resource",
  "scope",
  "span",
  "spanevent",
  "spanlink",
  "log",
  "metric",
  "datapoint",
  "exemplar",
  "log.body",
  "resource.schema_url",
  "scope.name",
  "scope.version",
  "scope.schema_url",
  "span.name",
  "span.trace_state",
  "span.status.message",
  "spanevent.name",
  "spanlink.trace_state",
  "log.severity_text",
  "log.event_name",
  "metric.name",
  "metric.description",
  "metric.unit",
] as const;

export type Place = (typeof places)[number];

/**
 * The numbers of the places. The attributes of an event whose name says that it is content (a prompt, a completion) are places of their
 * own, after the others, because all of them are content.
 */
export const placeIndex = {
  ...indices(),
  contentEvent: places.length,
  contentLog: places.length + 1,
  contentBody: places.length + 2,
} as const;

export const placeCount = places.length + 3;

/** The bits of places; of an event or a log record also those of one with content. */
export function placeMask(names: readonly Place[]): number {
  return names.reduce((mask, name) => mask | (1 << placeIndex[name]) | twinOf(name), 0);
}

/** Only events and log records whose name says that they are content. */
export const contentMask =
  (1 << placeIndex.contentEvent) | (1 << placeIndex.contentLog) | (1 << placeIndex.contentBody);

export const everywhere = 2 ** placeCount - 1;

/** The place that is probably meant: `body` is `log.body`, `span.attributes` is `span`, `event` is `spanevent`. */
export function nearestPlace(name: string): Place | undefined {
  const short = name.replace(/\.?attributes$/, "");
  return (
    places.find((place) => place === short) ??
    places.find((place) => short !== "" && place.endsWith(`.${short}`)) ??
    places.find((place) => place === nearestName(short, places)) ??
    places.find(
      (place) => short.length > 2 && place.replaceAll(".", "").includes(short.replace(/s$/, "")),
    )
  );
}

function twinOf(name: Place): number {
  switch (name) {
    case "spanevent":
      return 1 << placeIndex.contentEvent;
    case "log":
      return 1 << placeIndex.contentLog;
    case "log.body":
      return 1 << placeIndex.contentBody;
    default:
      return 0;
  }
}

function indices(): Readonly<Record<Place, number>> {
  return {
    resource: 0,
    scope: 1,
    span: 2,
    spanevent: 3,
    spanlink: 4,
    log: 5,
    metric: 6,
    datapoint: 7,
    exemplar: 8,
    "log.body": 9,
    "resource.schema_url": 10,
    "scope.name": 11,
    "scope.version": 12,
    "scope.schema_url": 13,
    "span.name": 14,
    "span.trace_state": 15,
    "span.status.message": 16,
    "spanevent.name": 17,
    "spanlink.trace_state": 18,
    "log.severity_text": 19,
    "log.event_name": 20,
    "metric.name": 21,
    "metric.description": 22,
    "metric.unit": 23,
  };
}

/** The place of the attributes of an event, or a log record, that is content by its name. */
export function contentTwinOf(place: number): number {
  switch (place) {
    case placeIndex.spanevent:
      return placeIndex.contentEvent;
    case placeIndex.log:
      return placeIndex.contentLog;
    default:
      return place;
  }
}
