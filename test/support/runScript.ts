import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const DIST = new URL('../../dist/', import.meta.url);

export interface RunScriptOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a child that runs this module text; `core/logger.js` and the like are imported from `dist/` by `await load(...)`. */
export function startScript(script: string, { env, cwd }: RunScriptOptions = {}): ChildProcess {
  const prelude = `const load = (path) => import(new URL(path, ${JSON.stringify(DIST.href)}).href);\n`;
  return spawn(process.execPath, ['--input-type=module', '--eval', prelude + script], {
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
