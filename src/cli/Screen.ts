import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';
import { scrub } from '../core/log/secrets.js';
import type { CliIo, CliStream } from './CliIo.js';

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export type Paint = ReturnType<typeof picocolors.createColors>;

/**
 * What the command line writes: results on stdout, everything else on stderr, so that a script can read the first and a
 * person both. All of it is scrubbed, so no token gets out by an error or an answer.
 *
 * A live part at the bottom of a terminal is redrawn in place. The cursor stays visible and no screen is switched, so a
 * process that dies at any moment leaves a terminal that works.
 */
export class Screen {
  /** Colours for stdout. */
  public readonly paint: Paint;
  /** Colours for stderr. */
  public readonly errorPaint: Paint;
  /** Whether stdout is a terminal, where a live part can be shown. */
  public readonly isLive: boolean;
  readonly #stdout: CliStream;
  readonly #stderr: CliStream;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  #drawn = false;

  /** @param allowColor false: no colours, whatever the terminal can do. */
  public constructor({ stdout, stderr, env }: CliIo, allowColor = true) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.isLive = stdout.isTTY === true;
    this.paint = picocolors.createColors(allowColor && hasColors(stdout, env));
    this.errorPaint = picocolors.createColors(allowColor && hasColors(stderr, env));
    this.#draw = createLogUpdate(withSize(stdout), { showCursor: true });
  }

  /** Columns of the terminal; unlimited where stdout is none, so that a script sees everything. */
  public get width(): number {
    return this.isLive ? this.#stdout.columns || DEFAULT_COLUMNS : Number.POSITIVE_INFINITY;
  }

  /** A result, above the live part. */
  public print(text: string): void {
    this.#aboveLive(this.#stdout, text);
  }

  /** A result as one line of JSON. */
  public json(value: unknown): void {
    this.#stdout.write(`${scrub(JSON.stringify(value))}\n`);
  }

  /** What is not the result: progress, warnings, errors. */
  public note(text: string): void {
    this.#aboveLive(this.#stderr, text);
  }

  /** Shows this at the bottom instead of what was shown there. Not on a terminal it shows nothing. */
  public live(text: string): void {
    if (!this.isLive) return;
    this.#draw(cropToHeight(scrub(text), (this.#stdout.rows || DEFAULT_ROWS) - 1));
    this.#drawn = true;
  }

  /** Leaves the live part as it is; what comes next goes below. */
  public keep(): void {
    if (this.#drawn) this.#draw.done();
    this.#drawn = false;
  }

  /** Takes the live part away. */
  public clear(): void {
    if (this.#drawn) this.#draw.clear();
    this.#drawn = false;
  }

  #aboveLive(stream: CliStream, text: string): void {
    // The caller draws the live part again with its next state.
    this.clear();
    stream.write(`${scrub(text)}\n`);
  }
}

/** A terminal that does not know its size says 0 (in some containers); log-update would show nothing there. */
function withSize(stream: CliStream): CliStream {
  return Object.create(stream, {
    columns: { get: () => stream.columns || DEFAULT_COLUMNS },
    rows: { get: () => stream.rows || DEFAULT_ROWS },
    write: { value: (text: string) => stream.write(text) },
  }) as CliStream;
}

/** NO_COLOR (no-color.org), FORCE_COLOR, TERM=dumb, and whether anybody looks. */
function hasColors(stream: CliStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** log-update would keep the end; the beginning has the summary. */
function cropToHeight(text: string, rows: number): string {
  const lines = text.split('\n');
  if (lines.length <= rows || rows < 2) return text;
  return [...lines.slice(0, rows - 1), `... ${lines.length - rows + 1} more lines`].join('\n');
}
