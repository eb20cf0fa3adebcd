import { contentRules } from "./genai-content-preset.ts";
import { openclawRules } from "./openclaw-preset.ts";
import type { RedactionRule } from "./redaction-rule.ts";

export const presets = ["openclaw", "genai_content"] as const;

export type Preset = (typeof presets)[number];

/** The rules of a preset; they come after the rules of the config. */
export function presetRules(preset: Preset): readonly RedactionRule[] {
  switch (preset) {
    case "openclaw":
      return openclawRules;
    case "genai_content":
      return contentRules;
    default: {
      const never: never = preset;
      return never;
    }
  }
}
