import { describe, expect, test } from "vitest";
import { verdictNames } from "../../../src/activity/model/diagnosis.ts";
import { toRecord } from "../../../src/processors/session_activity/event-records.ts";
import { textOf } from "../../support/repository.ts";
import { context, diagnosed, fullEvents } from "./full-events.ts";

const page = textOf("docs/events.md");

/** The severity and the attributes of each event on the page. */
const documented = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const eventName = /^`(.+)`$/m.exec(section)?.[1];
    return eventName === undefined
      ? []
      : [
          {
            eventName,
            severityText: /Severity ([A-Z]+)(?:\.| for )/.exec(section)?.[1],
            attributes: [...section.matchAll(/^\| `([a-z_]+\.[a-zA-Z0-9_.]+)`/gm)]
              .map(([, key]) => key)
              .sort(),
          },
        ];
  });

describe("docs/events.md", () => {
  test("has every event, its severity and its attributes, and no other", () => {
    const emitted = fullEvents.map((event) => {
      const { eventName, severityText, attributes } = toRecord(event, 1n, context);
      return { eventName, severityText, attributes: Object.keys(attributes).sort() };
    });
    expect(documented).toEqual(emitted);
  });

  test("has every verdict with the severity and the body of its event", () => {
    const rows = [...page.matchAll(/^\| `([a-z_]+)` *\| (WARN|INFO) *\| (.*?) *\|/gm)].map(
      ([, verdict, severityText, body]) => ({ verdict, severityText, body }),
    );
    const emitted = verdictNames.map((verdict) => {
      const { severityText, body } = toRecord({ ...diagnosed, verdict }, 1n, context);
      return { verdict, severityText, body };
    });
    expect(rows).toEqual(emitted);
  });
});
