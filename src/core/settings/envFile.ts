import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'dotenv';
import { SETTING_NAMES, SETTINGS } from './settings.js';

/**
 * One assignment as dotenv reads it, also in quotes that span lines. Dotenv's parser skips what does not match and says nothing.
 * So what this pattern leaves over is what nobody reads.
 */
const ASSIGNMENT =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

/** Problems that are reported at most: a binary file has thousands. */
const MAX_REPORTED = 5;

/** A longer file is something else, and to read it would stall the start. */
const MAX_CHARACTERS = 1_000_000;

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** One line each, with the file and the line's number, and never its content, which may be a secret. */
  readonly problems: readonly string[];
}

/**
 * Reads a `.env` file. Reports what dotenv would skip or misread without a word: lines that assign nothing, and quotes that are
 * not closed or swallow the settings below them.
 *
 * @returns undefined where there is no such file.
 */
export function readEnvFile(path: string): EnvFile | undefined {
  const name = basename(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT') return undefined;
    return broken(`${name} cannot be read (${code}): it must be a file that this user may read`);
  }
  if (/[\0\ufffd]/.test(text)) return broken(`${name} is not text in UTF-8: save it as UTF-8`);
  if (text.length > MAX_CHARACTERS) return broken(`${name} is too long: at most ${MAX_CHARACTERS} characters`);
  text = text.replace(/\r\n?/g, '\n');
  return { values: parse(text), problems: findProblems(text).map((problem) => `${name} ${problem}`) };
}

function broken(problem: string): EnvFile {
  return { values: {}, problems: [problem] };
}

function findProblems(text: string): string[] {
  const problems: string[] = [];
  const lineOf = (index: number): number => text.slice(0, index).split('\n').length;

  const unread = text.replace(ASSIGNMENT, (match, key: string, rawValue: string | undefined, index: number) => {
    // The leading \s* of the pattern may begin on blank lines above.
    const line = lineOf(index + match.length - match.trimStart().length);
    const value = rawValue?.trim() ?? '';
    if (Object.hasOwn(SETTINGS, key) && /^["'`]/.test(value) && (value.length === 1 || value.at(-1) !== value[0])) {
      problems.push(`line ${line}: the quote that opens the value of ${key} is not closed`);
    }
    const swallowed = SETTING_NAMES.find((name) => new RegExp(`\\n\\s*(?:export\\s+)?${name}\\s*=`).test(value));
    if (swallowed !== undefined) {
      problems.push(
        `line ${line}: the quote that opens here is closed only below ${swallowed}, which is therefore not read`,
      );
    }
    return match.replace(/[^\n]/g, ' ');
  });

  const garbage = unread
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' || line.trimStart().startsWith('#') ? [] : [index + 1]));
  for (const line of garbage.slice(0, MAX_REPORTED)) {
    problems.push(
      `line ${line}: allowed: NAME=VALUE, a comment that starts with #, or nothing (the line is not shown)`,
    );
  }
  if (garbage.length > MAX_REPORTED) problems.push(`has ${garbage.length - MAX_REPORTED} more lines of that kind`);
  return problems;
}
