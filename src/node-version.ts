const required = { major: 22, minor: 15 } as const;

/** A sentence for an operator whose Node is older than the `engines` of the package. `version` is e.g. `22.14.0`. */
export function nodeVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isRecent = major > required.major || (major === required.major && minor >= required.minor);
  return isRecent
    ? undefined
    : `activity-collector needs Node.js ${required.major}.${required.minor} or newer. This is Node.js ${version}.`;
}
