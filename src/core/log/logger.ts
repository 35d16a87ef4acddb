import { type LoggerOptions, pino } from 'pino';
import type { LogLevel } from '../settings/settings.js';
import { type LogSink, stdoutDestination, surviveClosedOutput } from './LogDestination.js';
import type { LogTail } from './LogTail.js';
import { createPrettyPrinter, ERROR_KEYS } from './prettyLine.js';
import { scrub } from './secrets.js';

/** A pino logger. Set `level` to change it at run time, also for its children without a level of their own. */
export type Logger = pino.Logger;

/** Who logs, as every line says: the kind of the process, its id within the kind where it has one, and its pid. */
export interface LogBindings {
  readonly kind?: string;
  readonly id?: number;
  readonly pid?: number;
}

export interface CreateLoggerOptions {
  readonly level: LogLevel;
  /** Whether lines are for people and not for machines. Default: whether the destination is a terminal. */
  readonly pretty?: boolean;
  readonly bindings?: LogBindings;
  /** What else each line says, for what is not known yet when the logger is made. Called for each line. Default: nothing. */
  readonly lateBindings?: () => LogBindings;
  /** Default: stdout. */
  readonly destination?: LogSink;
  /** Keeps the last lines that are logged here, without those that {@link writeLine} passes on. Default: nobody does. */
  readonly tail?: LogTail | undefined;
}

/**
 * Makes a logger that writes JSON lines, or readable ones on a terminal.
 *
 * Every line passes {@link scrub} on its way out, so no secret gets into a log. Each line is written before the call returns, so
 * an exit loses none. A closed stdout ends the logging, not the process.
 */
export function createLogger(options: CreateLoggerOptions): Logger {
  const { level, pretty, bindings, lateBindings, destination, tail } = options;
  surviveClosedOutput();
  const output: LogSink = destination ?? (process.stdout.isTTY ? process.stdout : stdoutDestination());
  const readable = pretty ?? output.isTTY === true;
  const sink = readable ? prettySink(output) : output;
  const base = { pid: process.pid, ...bindings };
  const mixin = lateBindings === undefined ? {} : { mixin: () => ({ ...lateBindings() }) };
  return pino({ ...OPTIONS, ...mixin, level, base }, tail === undefined ? sink : new TailedSink(sink, tail));
}

/**
 * Puts a finished JSON line into a logger's output, past its level and its bindings: its writer has filtered it already.
 *
 * @param line One log line as valid JSON, without the newline.
 */
export function writeLine(logger: Logger, line: string): void {
  const output = outputOf(logger);
  (output instanceof TailedSink ? output.sink : output).write(scrubLine(`${line}\n`));
}

const OPTIONS: LoggerOptions = {
  hooks: { streamWrite: scrubLine },
  serializers: Object.fromEntries(ERROR_KEYS.map((key) => [key, (value: unknown) => serializeError(value)])),
};

class TailedSink implements LogSink {
  public constructor(
    public readonly sink: LogSink,
    private readonly tail: LogTail,
  ) {}

  public write(line: string): void {
    this.sink.write(line);
    this.tail.push(line.trimEnd());
  }
}

function prettySink(output: LogSink): LogSink {
  // A plain function: pino-pretty as a stream would take a turn of the event loop, and an exit would lose lines.
  const print = createPrettyPrinter();
  return { write: (line) => output.write(print(line)) };
}

function outputOf(logger: Logger): LogSink {
  return (logger as unknown as { readonly [pino.symbols.streamSym]: LogSink })[pino.symbols.streamSym];
}

function scrubLine(line: string): string {
  const clean = scrub(line);
  if (clean === line) return line;
  try {
    JSON.parse(clean);
    return clean;
  } catch {
    // A secret that looks like JSON (of digits only, for example) took a part of the line's structure with it.
    const head = /^\{"level":(\d{2}),"time":(\d+)/.exec(clean);
    const [level, time] = head === null ? [40, Date.now()] : [Number(head[1]), Number(head[2])];
    return `${JSON.stringify({ level, time, pid: process.pid, msg: 'a log line was withheld: it held a secret' })}\n`;
  }
}

/** Causes that are followed at most: a chain of causes may be a circle. */
const MAX_CAUSES = 8;

/**
 * Keeps an error's type, message, stack, own fields such as `code`, and causes. What is no error stays as it is. Pino's own
 * serializer drops causes that are no errors (an AbortSignal's reason may be anything), and throws on frozen errors.
 */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return error;
  try {
    const { name, cause } = error;
    const { name: _type, ...fields } = { ...error, message: error.message, stack: error.stack };
    const causes = cause === undefined ? {} : { cause: serializeError(cause, depth + 1) };
    const many =
      error instanceof AggregateError ? { errors: error.errors.map((e) => serializeError(e, depth + 1)) } : {};
    return { type: name, ...fields, ...causes, ...many };
  } catch (failure) {
    // A getter of the error threw. To log an error must not throw another one.
    return { type: 'Error', message: `an error that cannot be read: ${String(failure)}` };
  }
}
