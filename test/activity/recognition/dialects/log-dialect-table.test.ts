import { describe, expect, test } from "vitest";
import { dialectRows, dialects } from "../../../../src/activity/model/dialects.ts";
import { logDialects } from "../../../../src/activity/recognition/dialects/log-dialect-table.ts";
import {
  attributeDialects,
  scopeDialects,
  unmarkedDialects,
} from "../../../../src/activity/recognition/dialects/span-dialect-table.ts";

describe("the log dialects", () => {
  for (const { dialect, eventNames = [], attribute, needles } of logDialects) {
    const { name } = dialectRows[dialect]!;
    const marks = [...eventNames, ...(attribute === undefined ? [] : [attribute])];
    test(`each mark of ${name} begins with one of its needles, and each needle is used`, () => {
      expect(marks).not.toEqual([]);
      expect(marks.filter((mark) => !needles.some((each) => mark.startsWith(each)))).toEqual([]);
      expect(needles.filter((each) => !marks.some((mark) => mark.startsWith(each)))).toEqual([]);
    });
  }

  test("no two read one event name of one scope, or one attribute", () => {
    const marks = logDialects.flatMap(({ eventNames = [], attribute, scopes = ["any"] }) =>
      scopes.flatMap((scope) =>
        [...eventNames, attribute ?? []].flat().map((m) => `${scope} ${m}`),
      ),
    );
    expect(marks).toEqual([...new Set(marks)]);
  });

  test("those with event names come before those with an attribute", () => {
    const isByName = logDialects.map(({ eventNames }) => eventNames !== undefined);
    expect(isByName).toEqual(isByName.toSorted((a, b) => Number(b) - Number(a)));
  });
});

test("the attributes that mark spans differ", () => {
  const marks = attributeDialects.map(({ attribute }) => attribute);
  expect(marks).toEqual([...new Set(marks)]);
});

test("every dialect is read by an entry of the tables, but for the two that follow from other spans", () => {
  const entries = [
    ...logDialects,
    ...scopeDialects,
    ...attributeDialects,
    ...Object.values(unmarkedDialects),
  ].map(({ dialect }) => dialect);
  const { impliedParent, requestedTool } = dialects;
  const derived = [impliedParent.storedId, requestedTool.storedId];
  expect([...new Set([...entries, ...derived])].toSorted((a, b) => a - b)).toEqual(
    dialectRows.map(({ storedId }) => storedId),
  );
});
