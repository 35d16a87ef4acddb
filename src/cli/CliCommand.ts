import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../core/time/duration.js';
import type { CliContext } from './CliContext.js';
import type { ExitCode } from './exitCodes.js';

/** Runs a command, with its flags as commander parsed them, and its arguments. */
export type Handler<Flags, Args extends readonly unknown[]> = (
  context: CliContext,
  flags: Flags,
  ...args: Args
) => Promise<ExitCode>;

export interface Registrar {
  readonly program: Command;
  /** @returns an action for commander that runs the handler and keeps its exit code. */
  action<Flags = object, Args extends readonly unknown[] = []>(
    handler: Handler<Flags, Args>,
  ): (...given: unknown[]) => Promise<void>;
}

/** Adds one command to the program. */
export type CliCommand = (registrar: Registrar) => void;

export function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function parseWholeList(text: string, previous: readonly number[] | undefined): number[] {
  return [...(previous ?? []), parseWhole(text)];
}

export function parseSnowflake(text: string): string {
  if (!/^[1-9]\d{16,19}$/.test(text)) throw new InvalidArgumentError('It must be an id of Discord: 17 to 20 digits.');
  return text;
}

export function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    throw new InvalidArgumentError('It must be a duration with its unit, such as 90s or 2m.');
  return ms;
}
