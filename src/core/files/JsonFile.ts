import { readFileSync, rmSync } from 'node:fs';
import type { z } from 'zod';
import type { Logger } from '../log/logger.js';
import { replaceFile } from './replaceFile.js';

/** A JSON file. Its content is checked when it is read, and replaced as a whole when it is written, see {@link replaceFile}. */
export class JsonFile<Content> {
  public readonly path: string;
  readonly #schema: z.ZodType<Content>;
  #isUnwritable = false;

  public constructor(path: string, schema: z.ZodType<Content>) {
    this.path = path;
    this.#schema = schema;
  }

  /**
   * @returns undefined where there is no file.
   * @throws Error of the file system, SyntaxError where the content is not JSON, ZodError where it breaks the schema.
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

  /** @returns the content, or undefined where there is none that can be used, whatever the reason. */
  public tryRead(): Content | undefined {
    try {
      return this.read();
    } catch {
      return undefined; // Damaged, of another version, or not ours to read.
    }
  }

  /**
   * As {@link read}, but an error is logged as a warning and there is no content then.
   *
   * @param consequence What that means for the bot; it ends the warning.
   */
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
   * Writes the content, or removes the file where there is none. An error is logged as a warning; further ones are not, until
   * it has worked again.
   *
   * @param consequence What that means for the bot; it ends the warning.
   * @returns whether it worked.
   */
  public save(content: Content | undefined, logger: Pick<Logger, 'warn'>, consequence: string): boolean {
    try {
      if (content === undefined) this.remove();
      else this.write(content);
      this.#isUnwritable = false;
      return true;
    } catch (error) {
      if (!this.#isUnwritable) logger.warn({ err: error }, `${this.path} cannot be written; ${consequence}`);
      this.#isUnwritable = true;
      return false;
    }
  }

  /** @throws Error of the file system. */
  public write(content: Content): void {
    replaceFile(this.path, `${JSON.stringify(content)}\n`);
  }

  /** Removes the file; does nothing where there is none. @throws Error of the file system. */
  public remove(): void {
    rmSync(this.path, { force: true });
  }
}
