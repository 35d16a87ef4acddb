import { createRequire } from 'node:module';
import type { PrettyOptions } from 'pino-pretty';

const require = createRequire(import.meta.url);

/** Turns a JSON log line into one for people, which ends with a newline. A line that is not JSON stays as it is. */
export type PrettyPrinter = (line: string) => string;

/** Fields of a log line that hold an error. */
export const ERROR_KEYS: readonly string[] = ['err', 'error', 'cause', 'reason'];

/**
 * For logs that are shown and for logs that are kept, so that a line looks the same in both:
 * `[07:01:52.114] INFO: cluster 2: all shards are ready {"shards":4}`, with an error's stack and causes below it.
 */
export function createPrettyPrinter(options: { readonly colorize?: boolean } = {}): PrettyPrinter {
  // Loaded when it is needed: a worker prints for machines, and the 35 ms would be a part of each of its starts.
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  const format = prettyFactory({
    ...(options.colorize === undefined ? {} : { colorize: options.colorize }),
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,kind,id',
    singleLine: true,
    errorLikeObjectKeys: [],
    messageFormat: withOrigin,
  });
  return (line) => {
    const text = withoutControls(line.trimEnd());
    const record = parseObject(text);
    if (record === undefined) return `${text}\n`;
    // Taken out first: pino-pretty prints an error as JSON, with every line break of its stack escaped.
    const stacks = ERROR_KEYS.flatMap((key) => {
      const stack = describeError(record[key]);
      if (stack === undefined) return [];
      delete record[key];
      return [`    ${stack.replaceAll('\n', '\n    ')}\n`];
    });
    return format(record) + stacks.join('');
  };
}

const withOrigin: NonNullable<PrettyOptions['messageFormat']> = (log, messageKey) => {
  const message = typeof log[messageKey] === 'string' ? log[messageKey] : '';
  if (typeof log.kind !== 'string') return message;
  const origin = log.id === undefined ? log.kind : `${log.kind} ${String(log.id)}`;
  return `${origin}: ${message}`;
};

/** @returns the stack, the error's other fields, and the same of its causes. Undefined for what is no serialized error. */
function describeError(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, message, stack, cause, ...fields } = value as Record<string, unknown>;
  if (typeof message !== 'string') return undefined;
  const head = typeof stack === 'string' && stack !== '' ? stack : `${String(type)}: ${message}`;
  const rest = Object.keys(fields).length === 0 ? '' : `\n    ${JSON.stringify(fields)}`;
  const below = cause === undefined ? '' : `\ncaused by: ${describeError(cause) ?? JSON.stringify(cause)}`;
  return head + rest + below;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/**
 * Names and messages come from strangers. An escape sequence in one must not reach the terminal. `JSON.stringify` escapes only
 * the control characters below U+0020.
 */
function withoutControls(line: string): string {
  return line.replace(/\\u00(?:0[0-8bcef]|1[\da-f])/gi, '\\ufffd').replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}
