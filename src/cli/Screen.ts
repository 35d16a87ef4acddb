import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';
import { scrub } from '../core/log/secrets.js';

/** A stream to write to that may be a terminal, such as `process.stdout`. */
export type CliStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What the command line needs of the process that it runs in. */
export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly env: NodeJS.ProcessEnv;
  /** Fires on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export type Paint = ReturnType<typeof picocolors.createColors>;

/**
 * Writes for the command line: results to stdout, everything else to stderr, so that a script can read the results and a person
 * both. It hides secrets in all of it, so that no error or answer prints a token.
 *
 * A live part at the bottom of a terminal is redrawn in place. The cursor stays visible and no other screen is opened, so that a
 * process which dies at any moment leaves a terminal that works.
 */
export class Screen {
  /** Colours for stdout. */
  public readonly paint: Paint;
  /** Colours for stderr. */
  public readonly errorPaint: Paint;
  /** Whether stdout is a terminal: only there is a live part shown. */
  public readonly isLive: boolean;
  readonly #stdout: CliStream;
  readonly #stderr: CliStream;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  #isDrawn = false;

  /** @param allowColor false: no colours, whatever the terminal can do. */
  public constructor({ stdout, stderr, env }: CliIo, allowColor = true) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.isLive = stdout.isTTY === true;
    this.paint = picocolors.createColors(allowColor && hasColors(stdout, env));
    this.errorPaint = picocolors.createColors(allowColor && hasColors(stderr, env));
    this.#draw = createLogUpdate(withSize(stdout), { showCursor: true });
  }

  /** Columns of the terminal; unlimited if stdout is none, so that a script sees everything. */
  public get width(): number {
    return this.isLive ? this.#stdout.columns || DEFAULT_COLUMNS : Number.POSITIVE_INFINITY;
  }

  /** Prints a result above the live part. */
  public print(text: string): void {
    this.#aboveLive(this.#stdout, text);
  }

  /** Prints a result as one line of JSON. */
  public json(value: unknown): void {
    this.#stdout.write(`${scrub(JSON.stringify(value))}\n`);
  }

  /** Prints what is no result: progress, a warning, an error. */
  public note(text: string): void {
    this.#aboveLive(this.#stderr, text);
  }

  /** Replaces the live part. Does nothing if stdout is no terminal. */
  public live(text: string): void {
    if (!this.isLive) return;
    this.#draw(cropToHeight(scrub(text), (this.#stdout.rows || DEFAULT_ROWS) - 1));
    this.#isDrawn = true;
  }

  /** Leaves the live part on the terminal. What comes next goes below it. */
  public keep(): void {
    if (this.#isDrawn) this.#draw.done();
    this.#isDrawn = false;
  }

  /** Removes the live part. */
  public clear(): void {
    if (this.#isDrawn) this.#draw.clear();
    this.#isDrawn = false;
  }

  #aboveLive(stream: CliStream, text: string): void {
    // The caller draws the live part again with its next state.
    this.clear();
    stream.write(`${scrub(text)}\n`);
  }
}

/** A terminal that does not know its size says 0, as in some containers. log-update would show nothing there. */
function withSize(stream: CliStream): CliStream {
  return Object.create(stream, {
    columns: { get: () => stream.columns || DEFAULT_COLUMNS },
    rows: { get: () => stream.rows || DEFAULT_ROWS },
    write: { value: (text: string) => stream.write(text) },
  }) as CliStream;
}

/** By NO_COLOR (no-color.org), FORCE_COLOR, TERM=dumb, and whether it is a terminal. */
function hasColors(stream: CliStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Keeps the beginning, which has the summary. log-update would keep the end. */
function cropToHeight(text: string, rows: number): string {
  const lines = text.split('\n');
  if (lines.length <= rows || rows < 2) return text;
  return [...lines.slice(0, rows - 1), `... ${lines.length - rows + 1} more lines`].join('\n');
}

/**
 * @returns the text without control characters except line breaks and tabs. Names come from strangers on Discord, and an escape
 * sequence in one must not reach the terminal.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}
