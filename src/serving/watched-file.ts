import type { Settings } from "../component/settings.ts";
import { createThrottle } from "../component/throttle.ts";
import { readRegularFile, unreadableWords } from "../files/regular-file.ts";

/** Something of a file cannot be used; the message is for an operator and quotes nothing of the file. */
export class UnusableFile extends Error {}

export interface WatchedFileOptions {
  /** The option that names the file. */
  readonly option: string;
  readonly path: string;
  /** Takes a text that is new. Throws an {@link UnusableFile} if it cannot be used, and then has changed nothing. */
  readonly use: (text: string) => void;
}

/** How often a file is looked at. Reading one that has not changed costs less than a request. */
const intervalMs = 2_000;

/** More than any file with credentials has. */
const maxBytes = 1024 * 1024;

/** Reads a file with credentials, and again whenever it has changed, until it is closed. It keeps the text. */
export class WatchedFile {
  readonly #settings: Pick<Settings, "clock" | "logger">;
  readonly #options: WatchedFileOptions;
  readonly #report: ReturnType<typeof createThrottle>;
  #text = "";
  #cancel = () => {};
  #isClosed = false;

  constructor(settings: Pick<Settings, "clock" | "logger">, options: WatchedFileOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#report = createThrottle(settings.clock, 60_000);
  }

  /** Rejects with an `Error` for an operator if the file cannot be read or used. */
  async open(): Promise<void> {
    const text = await this.#read();
    this.#options.use(text);
    this.#text = text;
    this.#lookLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #lookLater(): void {
    if (!this.#isClosed) {
      this.#cancel = this.#settings.clock.after(intervalMs, () => {
        void this.#look().finally(() => this.#lookLater());
      });
    }
  }

  async #look(): Promise<void> {
    const { logger } = this.#settings;
    const { option, path, use } = this.#options;
    try {
      const text = await this.#read();
      if (text !== this.#text && !this.#isClosed) {
        use(text);
        this.#text = text;
        logger.info("A changed file with credentials is used.", { option, path });
      }
    } catch (error) {
      this.#report((held_back) =>
        logger.error(
          "A file with credentials cannot be used; what was read before stays in use. Correct the file.",
          {
            option,
            path,
            problem: error instanceof UnusableFile ? error.message : "It cannot be read.",
            held_back,
          },
        ),
      );
    }
  }

  async #read(): Promise<string> {
    const { option, path } = this.#options;
    try {
      return new TextDecoder().decode(await readRegularFile(path, maxBytes));
    } catch (error) {
      throw new UnusableFile(`The ${option} ${path} ${unreadableWords(error)}`, { cause: error });
    }
  }
}
