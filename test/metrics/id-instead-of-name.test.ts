import { expect, test } from "vitest";
import { isIdInsteadOfName } from "../../src/metrics/id-shape.ts";

/** None of them is the id or the secret of anything. */
const ids = [
  "3f2b8c1e-9d4a-4b7e-8f21-aabbccddeeff",
  "3F2B8C1E9D4A4B7E8F21AABBCCDDEEFF",
  "agent:main:main",
  "AGENT:main:telegram",
  "Agent:main:x",
  "subagent:x",
  "session:x",
  "main.agent:x",
  "sk-proj-abcdefghijklmnop",
  "sk-ant-api03-abc",
  "ghp_abcdefghijklmnopqrst0123",
  "xoxb-1234",
  "AKIAIOSFODNN7EXAMPLE",
  "glpat-abcdefgh",
  "eyJhbGciOiJIUzI1NiJ9.eyJ.sig",
  "toolu_01A09q90qw90lq917835lq9",
  "call_kXq8abcdefghijklmnopqrst",
  "call-1f2e3d4c5b",
  "fc_68af4030592c81938ec0a5fbab4a3e9f",
  "chatcmpl-9abcXYZ123",
  "run_abc123DEF456ghi",
  "4915112345678",
  "1699999999.123456",
  "4bf92f3577b34da6",
  "mcp__3f2b8c1e9d4a4b7e__read",
  "V1StGXR8Z5jdHi6BmyT4aB",
];
const names = [
  "exec",
  "read_file",
  "run_python3",
  "run_in_terminal",
  "call_subagent",
  "call_agent_2",
  "message.send",
  "sessions_spawn",
  "agent.search",
  "thread_reply",
  "web_search_20250305",
  "text_editor_20250728",
  "computer_20241022",
  "mcp__github__create_pull_request_review",
  "mcp__playwright__browser_take_screenshot_v2",
  "fetchBase64EncodedDocument",
  "base64ToUtf8",
  "sha256sum",
  "gpt-4o-2024-08-06",
  "s3.list_objects_v2",
  "http:get",
  "telegram",
  "ms-teams",
  "webchat",
  "openclaw:weather",
  "get_h264_to_mp4",
];

for (const id of ids) {
  test(`${id} is no name of a tool or channel`, () => {
    expect(isIdInsteadOfName(id)).toBe(true);
  });
}

for (const name of names) {
  test(`${name} is a name`, () => {
    expect(isIdInsteadOfName(name)).toBe(false);
  });
}
