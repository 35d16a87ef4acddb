import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const DIST = new URL('../../dist/', import.meta.url);

/** A compiled program of `test/fixtures`. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../fixtures/build/${path}`, import.meta.url));
}

export interface RunScriptOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** How many file descriptors it may have. Default: as many as this process. */
  readonly maxFiles?: number;
}

/** Starts a child that runs this module text; `core/logger.js` and the like are imported from `dist/` by `await load(...)`. */
export function startScript(script: string, { env, cwd, maxFiles }: RunScriptOptions = {}): ChildProcess {
  const prelude = `const load = (path) => import(new URL(path, ${JSON.stringify(DIST.href)}).href);\n`;
  const command = [process.execPath, '--input-type=module', '--eval', prelude + script];
  const limit = maxFiles === undefined ? '' : `ulimit -n ${maxFiles}; `;
  return spawn('sh', ['-c', `${limit}exec "$0" "$@"`, ...command], {
    env: { ...process.env, ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface ScriptResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Runs such a child to its end. */
export async function runScript(script: string, options?: RunScriptOptions): Promise<ScriptResult> {
  const child = startScript(script, options);
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return {
    stdout: Buffer.concat(chunks.stdout).toString(),
    stderr: Buffer.concat(chunks.stderr).toString(),
    code,
    signal,
  };
}
