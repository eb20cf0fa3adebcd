import { describe, expect, test } from "vitest";
import {
  isContentEvent,
  isContentKey,
} from "../../../src/processors/redaction/genai-content-preset.ts";

describe("content is", () => {
  for (const key of [
    "crew_output",
    "crew_tasks_output",
    "task_output",
    "crewai.task.description",
    "crewai.task.expected_output",
    "crewai.task.result",
    "crewai.agent.goal",
    "crewai.agent.backstory",
    "crewai.crew.tasks",
    "crewai.crew.agents",
    "crewai.crew.result",
  ]) {
    test(`an attribute ${key}`, () => {
      expect(isContentKey(key)).toBe(true);
    });
  }

  for (const name of ["api_request_body", "claude_code.api_response_body"]) {
    test(`an event ${name}`, () => {
      expect(isContentEvent(name)).toBe(true);
    });
  }
});

test("roles and models of crews are no content", () => {
  expect(["crewai.agent.role", "crewai.agent.llm", "crewai.crew.process"].some(isContentKey)).toBe(
    false,
  );
});
