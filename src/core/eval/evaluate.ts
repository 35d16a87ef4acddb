import { inspectBounded } from './inspectBounded.js';

/** What the code came to: `output` is the inspected value, or the error as `Name: message` where `ok` is false. */
export interface Evaluation {
  readonly ok: boolean;
  readonly output: string;
}

export interface EvaluateOptions {
  /** Names that the code sees as variables. */
  readonly scope: Readonly<Record<string, unknown>>;
  /** Takes secrets out of the output. Default: it takes nothing out. */
  readonly scrub?: (text: string) => string;
  /** How long an `await` in the code may last, in milliseconds; then the result is an error. Default 8000, below a request's limit. */
  readonly timeoutMs?: number;
  /** Characters of the longest output; what is beyond is cut. Default 4000. */
  readonly maxOutputLength?: number;
}

const DEFAULTS = { timeoutMs: 8_000, maxOutputLength: 4_000 } as const satisfies Partial<EvaluateOptions>;

/** The output is first cut at so many times its final length, before secrets are taken out, so that no half of a secret stays. */
const RAW_OUTPUT_FACTOR = 10;

type AsyncBody = (...scope: unknown[]) => Promise<unknown>;
const AsyncFunction = (async () => undefined).constructor as new (...namesAndBody: string[]) => AsyncBody;

/**
 * Runs code as an owner typed it: as an expression where it is one, else as the body of an async function. The compiler decides
 * which of the two it is, so nothing runs twice. Never throws. The output is bounded in time and in size. Code that never yields
 * (`while (true)`) cannot be stopped from inside its own process; the supervisor kills that.
 */
export async function evaluateCode(code: string, options: EvaluateOptions): Promise<Evaluation> {
  const { timeoutMs, maxOutputLength, scope, scrub = (text: string) => text } = { ...DEFAULTS, ...options };
  const maxRawLength = maxOutputLength * RAW_OUTPUT_FACTOR;
  const finish = (ok: boolean, raw: string): Evaluation => ({
    ok,
    output: cut(scrub(cut(raw, maxRawLength)), maxOutputLength),
  });
  try {
    const run = compile(code, Object.keys(scope));
    const value = await within(timeoutMs, run(...Object.values(scope)));
    return finish(true, typeof value === 'string' ? JSON.stringify(cut(value, maxRawLength)) : inspectBounded(value));
  } catch (error) {
    return finish(false, describeThrown(error, maxRawLength));
  }
}

function compile(code: string, names: readonly string[]): AsyncBody {
  try {
    // The newlines keep a trailing `// comment` from swallowing the parenthesis.
    return new AsyncFunction(...names, `return (\n${code}\n)`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new AsyncFunction(...names, code);
  }
}

async function within(timeoutMs: number, result: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no result within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    // The race handles its loser too: a rejection that comes later is not an unhandled one.
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function describeThrown(error: unknown, maxLength: number): string {
  try {
    if (!(error instanceof Error)) return inspectBounded(error);
    return `${cut(String(error.name), 100)}: ${cut(String(error.message), maxLength)}`;
  } catch {
    // The error's own name or message throws: nothing of it can be shown.
    return 'Error: an error that cannot be shown';
  }
}

function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  // A high surrogate at the end is half a character.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(maxLength - 2)) ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, end)}…`;
}
