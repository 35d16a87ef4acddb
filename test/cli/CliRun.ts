import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { SETTING_NAMES } from '../../src/core/settings/settings.js';
import { until } from '../support/processes.js';

export const CLI = fileURLToPath(new URL('../../dist/entrypoints/cli.js', import.meta.url));

/** Nothing of the environment of the test run may reach it. */
const CLEAN = Object.fromEntries(
  [...SETTING_NAMES, 'KALLISTI_ADMIN_TOKEN', 'NO_COLOR', 'FORCE_COLOR'].map((name) => [name, undefined]),
);

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** What stands on stdin. Default: nothing. */
  readonly input?: string;
  /** Default: the temporary folder, which has no .env. */
  readonly cwd?: string;
  /** Runs it in a terminal, by script(1); stderr goes there, too. Default false. */
  readonly inTerminal?: boolean;
}

/** The built command line in a process of its own. */
export class CliRun {
  public stdout = '';
  public stderr = '';
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<number | null>;

  public constructor(args: readonly string[], { env, input, cwd = tmpdir(), inTerminal = false }: CliOptions = {}) {
    const [program, programArgs] = inTerminal
      ? [
          'script',
          [
            '--quiet',
            '--return',
            '--flush',
            '--command',
            `stty cols 120 rows 40; exec ${shellQuote([process.execPath, CLI, ...args])}`,
            '/dev/null',
          ],
        ]
      : [process.execPath, [CLI, ...args]];
    this.#child = spawn(program as string, programArgs as string[], {
      cwd,
      env: { ...process.env, ...CLEAN, ...(inTerminal ? { TERM: 'xterm' } : {}), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk;
    });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    // It may end without having read it.
    this.#child.stdin.on('error', () => undefined);
    if (input !== undefined || !inTerminal) this.#child.stdin.end(input);
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** Types at its terminal. */
  public type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  public signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its reader goes away. */
  public closeStdout(): void {
    this.#child.stdout.destroy();
  }

  /** Waits until it has written this. */
  public async untilPrinted(pattern: RegExp): Promise<void> {
    let isOver = false;
    void this.#ended.then(() => {
      isOver = true;
    });
    await until(() => isOver || pattern.test(this.stdout + this.stderr));
    if (!pattern.test(this.stdout + this.stderr))
      throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
  }

  /** @returns its exit code. */
  public ended(): Promise<number | null> {
    return this.#ended;
  }

  /** What it printed as JSON, one value a line. */
  public json(): unknown[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }
}

/** Runs it to its end. */
export async function runCli(
  args: readonly string[],
  options?: CliOptions,
): Promise<CliRun & { readonly code: number | null }> {
  const run = new CliRun(args, options);
  return Object.assign(run, { code: await run.ended() });
}

function shellQuote(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
