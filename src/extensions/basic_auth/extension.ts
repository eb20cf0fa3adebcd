import type {
  Authentication,
  AuthenticatorRole,
  RequestHeaders,
} from "../../component/authenticator.ts";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import { UnusableFile, WatchedFile } from "../../serving/watched-file.ts";
import type { Config } from "./config.ts";
import { parseHtpasswd, type StoredPassword } from "./htpasswd.ts";
import { Passwords } from "./passwords.ts";

/** Lets users of htpasswd in, or adds a user and a password to requests that are sent. */
export function createBasicAuth(settings: Settings, config: Config): Component {
  const part =
    config.client_auth === undefined
      ? serverPart(settings, config.htpasswd ?? {})
      : clientPart(settings, config.client_auth);
  return {
    authenticator: part.role,
    start: () => part.start(),
    async shutdown() {
      await part.stop();
    },
  };
}

interface Part {
  readonly role: AuthenticatorRole;
  start(): Promise<void>;
  stop(): Promise<void> | void;
}

const unauthenticated: Authentication = {
  ok: false,
  refused: "unauthenticated",
  message: "The request has no user and password that are accepted here.",
};

const busy: Authentication = {
  ok: false,
  refused: "busy",
  message: "Too many passwords wait to be checked. Try again.",
};

function serverPart(settings: Settings, htpasswd: NonNullable<Config["htpasswd"]>): Part {
  const inline = htpasswd.inline?.reveal() ?? "";
  const passwords = new Passwords(settings.randomBytes(32));
  let users: ReadonlyMap<string, StoredPassword> = new Map();
  const use = (text: string) => {
    // As in the Collector, inline overrides the file.
    users = new Map([...parseHtpasswd(text), ...parseHtpasswd(inline)]);
  };
  const file =
    htpasswd.file === undefined
      ? undefined
      : new WatchedFile(settings, { option: "htpasswd.file", path: htpasswd.file, use });

  return {
    role: {
      server: {
        challenge: 'Basic realm="activity-collector", charset="UTF-8"',
        authenticate(headers) {
          const credentials = credentialsIn(headers);
          const stored = credentials && users.get(credentials.user);
          if (credentials === undefined || stored === undefined) {
            return unauthenticated;
          }
          const result = passwords.check(credentials.user, credentials.password, stored);
          const { user } = credentials;
          return result instanceof Promise
            ? result.then((each) => answerOf(each, user))
            : answerOf(result, user);
        },
      },
    },
    async start() {
      if (file === undefined) {
        use("");
      } else {
        await file.open();
      }
    },
    async stop() {
      file?.close();
      users = new Map();
      await passwords.close();
    },
  };
}

function answerOf(result: boolean | "busy", user: string): Authentication {
  if (result === "busy") {
    return busy;
  }
  return result ? { ok: true, client: user } : unauthenticated;
}

function credentialsIn(
  headers: RequestHeaders,
): { readonly user: string; readonly password: string } | undefined {
  const [value = ""] = [headers["authorization"]].flat();
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)?.[1];
  if (encoded === undefined) {
    return undefined;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function clientPart(settings: Settings, client: NonNullable<Config["client_auth"]>): Part {
  const current = {
    username: client.username ?? "",
    password: client.password?.reveal() ?? "",
  };
  const watched = (part: "username" | "password", path: string | undefined) =>
    path === undefined
      ? []
      : [
          new WatchedFile(settings, {
            option: `client_auth.${part}_file`,
            path,
            use: (text) => {
              current[part] = oneLineOf(part, text);
            },
          }),
        ];
  const files = [
    ...watched("username", client.username_file),
    ...watched("password", client.password_file),
  ];
  let isStarted = false;

  return {
    role: {
      client: {
        headers() {
          const { username, password } = current;
          const encoded = Buffer.from(`${username}:${password}`).toString("base64");
          return isStarted ? { authorization: `Basic ${encoded}` } : {};
        },
      },
    },
    async start() {
      for (const file of files) {
        await file.open();
      }
      isStarted = true;
    },
    stop() {
      isStarted = false;
      for (const file of files) {
        file.close();
      }
    },
  };
}

/** The text of a file without the end of its line. */
function oneLineOf(part: "username" | "password", text: string): string {
  const line = text.replace(/\r?\n$/, "");
  if (line === "" || /[\r\n]/.test(line)) {
    throw new UnusableFile(`The file must have one line with the ${part}.`);
  }
  if (part === "username" && line.includes(":")) {
    throw new UnusableFile("The user in the file contains a colon, which ends it in the header.");
  }
  return line;
}
