import { z } from "zod";
import { opaque } from "../../config/units.ts";
import { unsupported } from "../../config/unsupported.ts";

export const schema = z
  .strictObject({
    htpasswd: z
      .strictObject({
        file: file(
          "File with one user:hash per line, as the program htpasswd writes it; htpasswd -B makes the best hashes. A changed file is used within seconds.",
        ),
        inline: opaque()
          .optional()
          .describe(
            "The same as text; it overrides users of the file. In the config every $ is written $$. It is never shown.",
          ),
      })
      .optional()
      .describe("Who is let in, for servers."),
    client_auth: z
      .strictObject({
        username: z.string().optional().describe("The user that requests are sent as."),
        username_file: file("File with the user. A changed file is used within seconds."),
        password: opaque().optional().describe("The password of the user. It is never shown."),
        password_file: file("File with the password. A changed file is used within seconds."),
        aws_secrets_manager: unsupported(
          "is not supported; let something else write the secret to a file, and name it in password_file.",
        ),
      })
      .optional()
      .describe("The credentials of requests that are sent, for exporters."),
  })
  .check((context) => {
    for (const [path, message] of problemsOf(context.value)) {
      context.issues.push({ code: "custom", input: undefined, path: [...path], message });
    }
  });

export type Config = z.output<typeof schema>;

interface Written {
  readonly htpasswd?: { readonly [key: string]: unknown } | undefined;
  readonly client_auth?: { readonly [key: string]: unknown } | undefined;
}

function problemsOf({
  htpasswd,
  client_auth: client,
}: Written): readonly (readonly [path: readonly string[], message: string])[] {
  const problems: (readonly [readonly string[], string])[] = [];
  if (htpasswd === undefined && client === undefined) {
    problems.push([[], "must have htpasswd, for servers, or client_auth, for exporters."]);
  }
  if (htpasswd !== undefined && client !== undefined) {
    problems.push([
      ["client_auth"],
      "is set beside htpasswd; one extension is for servers or for exporters. Write two, e.g. basic_auth/client.",
    ]);
  }
  if (
    htpasswd !== undefined &&
    htpasswd["file"] === undefined &&
    htpasswd["inline"] === undefined
  ) {
    problems.push([["htpasswd"], "must have a file or inline."]);
  }
  if (client !== undefined) {
    for (const part of ["username", "password"]) {
      const isText = client[part] !== undefined;
      const isFile = client[`${part}_file`] !== undefined;
      if (isText && isFile) {
        const message = `is set beside ${part}; keep one of them.`;
        problems.push([["client_auth", `${part}_file`], message]);
      }
      if (!isText && !isFile) {
        const message = `is missing; write ${part} or ${part}_file.`;
        problems.push([["client_auth", part], message]);
      }
    }
    const { username } = client;
    if (typeof username === "string" && username.includes(":")) {
      problems.push([
        ["client_auth", "username"],
        "contains a colon, which ends the user in the header. Choose another user.",
      ]);
    }
  }
  return problems;
}

function file(description: string) {
  return z.string().min(1).meta({ title: "path" }).optional().describe(description);
}
