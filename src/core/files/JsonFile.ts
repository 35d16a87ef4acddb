import { readFileSync, rmSync } from 'node:fs';
import type { z } from 'zod';
import type { Logger } from '../log/logger.js';
import { replaceFile } from './replaceFile.js';

/** A JSON file whose content is checked when it is read, and which is replaced as a whole, see {@link replaceFile}. */
export class JsonFile<Content> {
  public readonly path: string;
  readonly #schema: z.ZodType<Content>;
  #isSaidUnwritable = false;

  public constructor(path: string, schema: z.ZodType<Content>) {
    this.path = path;
    this.#schema = schema;
  }

  /**
   * @returns undefined where there is no file.
   * @throws Error of the file system, SyntaxError where it is no JSON, ZodError where it says something else.
   */
  public read(): Content | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    return this.#schema.parse(JSON.parse(text));
  }

  /** @returns undefined where there is no file, or none that can be used: for readers that do not mind why. */
  public tryRead(): Content | undefined {
    try {
      return this.read();
    } catch {
      return undefined; // Damaged, of another version, or not ours to read.
    }
  }

  /** As {@link read}; where that throws there is a warning, and no content. @param consequence what that means, for the log. */
  public load(logger: Pick<Logger, 'warn'>, consequence: string): Content | undefined {
    try {
      return this.read();
    } catch (error) {
      const wrong =
        error instanceof Error && 'syscall' in error ? 'cannot be read' : 'is damaged or of another version';
      logger.warn({ err: error }, `${this.path} ${wrong}; ${consequence}`);
      return undefined;
    }
  }

  /**
   * As {@link write}, or, without content, {@link remove}; what that throws is a warning, once until it works again.
   *
   * @param consequence what it means, for the log.
   * @returns whether it was written.
   */
  public save(content: Content | undefined, logger: Pick<Logger, 'warn'>, consequence: string): boolean {
    try {
      if (content === undefined) this.remove();
      else this.write(content);
      this.#isSaidUnwritable = false;
      return true;
    } catch (error) {
      if (!this.#isSaidUnwritable) logger.warn({ err: error }, `${this.path} cannot be written; ${consequence}`);
      this.#isSaidUnwritable = true;
      return false;
    }
  }

  /** @throws Error of the file system. */
  public write(content: Content): void {
    replaceFile(this.path, `${JSON.stringify(content)}\n`);
  }

  /** Does nothing where there is none. @throws Error of the file system. */
  public remove(): void {
    rmSync(this.path, { force: true });
  }
}
