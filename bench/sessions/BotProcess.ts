import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Discord } from './Discord.js';
import { until } from './until.js';

/** The bot as `npm start` runs it. */
const ENTRY = fileURLToPath(new URL('../entrypoints/master.js', import.meta.resolve('kallisti')));

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A bot in processes of its own against a local Discord. */
export class BotProcess {
  public readonly dataDir: string;
  public readonly lines: LogLine[] = [];
  readonly #env: NodeJS.ProcessEnv;
  readonly #entry: string;
  #output = '';
  #child: ChildProcess | undefined;

  /** @param entry The master's program. Default: the one that `npm start` runs. */
  public constructor({ facts }: Discord, env: NodeJS.ProcessEnv, entry: string = ENTRY) {
    this.#entry = entry;
    this.dataDir = mkdtempSync(join(tmpdir(), 'kallisti-bench-'));
    this.#env = {
      ...{ PATH: process.env.PATH, DISCORD_TOKEN: facts.token, DISCORD_API_URL: facts.url, DATA_DIR: this.dataDir },
      ...env,
    };
  }

  public start(): void {
    const child = spawn(process.execPath, [this.#entry], {
      cwd: this.dataDir,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    const onOutput = (chunk: Buffer): void => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
        else this.#output += `${line}\n`;
      }
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', (chunk: Buffer) => {
      this.#output += chunk;
    });
    this.#child = child;
  }

  /** @param from number of the first line of the log that counts. */
  public async untilLogged(pattern: RegExp, from = 0, timeoutMs?: number): Promise<LogLine> {
    let found: LogLine | undefined;
    await until(() => {
      found = this.lines.slice(from).find(({ msg }) => pattern.test(msg));
      if (found === undefined && this.#hasEnded) throw new Error(`the bot ended:\n${this.#output}`);
      return found !== undefined;
    }, timeoutMs);
    return found as LogLine;
  }

  public untilReady(from = 0, timeoutMs?: number): Promise<LogLine> {
    return this.untilLogged(/^ready: all/, from, timeoutMs);
  }

  /** Of the master. */
  public get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Of the newest life of each cluster. */
  public clusterPid(clusterId: number): number {
    const line = this.lines.findLast(({ cluster, msg }) => cluster === clusterId && /^cluster \d+ is ready/.test(msg));
    return Number(line?.workerPid);
  }

  /** SIGTERM. Resolves with its exit code when it has ended. */
  public async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || this.#hasEnded) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
    return child.exitCode;
  }

  /** SIGKILL, to the master alone. Resolves when it has ended; its clusters have not. */
  public async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.#hasEnded) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  public async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  get #hasEnded(): boolean {
    const child = this.#child;
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }
}
