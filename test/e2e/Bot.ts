import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdminAddress } from '../../src/core/contracts/adminAddress.js';
import type { Simulator } from '../../src/simulator/index.js';
import { processesWith, until } from '../support/processes.js';
import { fixture } from '../support/runScript.js';

const ENTRY = fileURLToPath(new URL('../../dist/entrypoints/master.js', import.meta.url));

/** A line of the bot's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly kind?: string;
  readonly id?: number;
  readonly pid?: number;
  readonly [field: string]: unknown;
}

/** What a life of a cluster does wrong: see `test/fixtures/bot/entrypoints/cluster.ts`. */
export interface Misbehaviour {
  readonly clusterId: number;
  readonly generation: number;
  readonly what: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settings that every bot of the tests has; the environment of the test run must not reach it. */
const CLEAN = Object.fromEntries(
  [
    ...['DISCORD_TOKEN', 'DISCORD_API_URL', 'SHARD_COUNT', 'CLUSTER_COUNT', 'OWNER_IDS', 'DATA_DIR', 'LOG_LEVEL'],
    ...[
      'SPAWN_TIMEOUT',
      'DRAIN_TIMEOUT',
      'IDENTIFY_INTERVAL',
      'RESUME_WINDOW',
      'CLUSTER_MEMORY_MB',
      'SPARE_CLUSTERS',
      ...['ADMIN_HOST', 'ADMIN_TOKEN', 'ADMIN_EVAL'],
      'NODE_ENV',
      'VITEST',
    ],
  ].map((name) => [name, undefined]),
);

/** The bot as its user runs it: the built program in a process of its own, with settings in its environment. */
export class Bot {
  public readonly dataDir: string;
  public readonly lines: LogLine[] = [];
  public stdout = '';
  public stderr = '';
  /** The program that runs it. */
  public node = process.execPath;
  readonly #marker = `e2e-${process.pid}-${Math.random().toString(36).slice(2)}`;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;
  /** The master's program. */
  public entry: string;
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> | undefined;

  /** @param entry The master's program. Default: the one that `npm start` runs. */
  public constructor(env: NodeJS.ProcessEnv = {}, entry: string = ENTRY) {
    this.entry = entry;
    this.#cwd = mkdtempSync(join(tmpdir(), 'kallisti-e2e-'));
    this.dataDir = env.DATA_DIR ?? join(this.#cwd, 'data');
    this.#env = { ...CLEAN, ADMIN_PORT: '0', DATA_DIR: this.dataDir, ...env, KALLISTI_TEST: this.#marker };
  }

  /** Settings for a bot that runs against this local Discord. */
  public static for(discord: Simulator, env: NodeJS.ProcessEnv = {}, entry?: string): Bot {
    return new Bot({ DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url, ...env }, entry);
  }

  /** A bot of `test/fixtures/bot` on this local Discord, whose clusters misbehave as told. */
  public static misbehaving(discord: Simulator, env: NodeJS.ProcessEnv, what: readonly Misbehaviour[] = []): Bot {
    const bot = Bot.for(discord, env, fixture('bot/entrypoints/master.js'));
    bot.misbehave(what);
    return bot;
  }

  /** The folder in which it runs. */
  public get cwd(): string {
    return this.#cwd;
  }

  public get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Changes settings for the next start. */
  public setEnvironment(env: NodeJS.ProcessEnv): void {
    Object.assign(this.#env, env);
  }

  /** Changes what processes do wrong from now on, instead of what they were told before. */
  public misbehave(what: readonly Misbehaviour[]): void {
    this.setEnvironment({ TEST_MISBEHAVIOUR: this.write('misbehaviour.json', JSON.stringify(what)) });
  }

  /** Its admin API, found as the command line finds it. */
  public adminApi(): AdminAddress & { readonly token: string; readonly headers: { readonly authorization: string } } {
    const address = JSON.parse(readFileSync(join(this.dataDir, 'admin.json'), 'utf8')) as AdminAddress;
    const token = readFileSync(join(this.dataDir, 'admin-token'), 'utf8').trim();
    return { ...address, token, headers: { authorization: `Bearer ${token}` } };
  }

  /** Writes a file into its folder. @returns its path. */
  public write(name: string, text: string): string {
    const path = join(this.#cwd, name);
    writeFileSync(path, text);
    return path;
  }

  /** Starts it; does not wait for anything. */
  public start(): this {
    const child = spawn(this.node, [this.entry], {
      cwd: this.#cwd,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk;
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('{')) this.lines.push(JSON.parse(part) as LogLine);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    return this;
  }

  /** Waits for a line of its log; says what it printed instead when it ends before. */
  public async untilLogged(pattern: RegExp, from = 0): Promise<LogLine> {
    let found: LogLine | undefined;
    let ended = false;
    void this.#ended?.then(() => {
      ended = true;
    });
    await until(() => {
      found = this.lines.slice(from).find(({ msg }) => pattern.test(msg ?? ''));
      return found !== undefined || ended;
    });
    if (found === undefined) throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
    return found;
  }

  public untilReady(): Promise<LogLine> {
    return this.untilLogged(/^ready: all/);
  }

  public signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  public ended(): Promise<Ended> {
    return this.#ended ?? Promise.resolve({ code: null, signal: null });
  }

  /** Pids of the clusters that run, by cluster id; of the newest life where there are two. */
  public clusterPids(): Map<number, number> {
    const pids = new Map<number, number>();
    for (const { msg, cluster, workerPid } of this.lines) {
      if (!/^cluster \d+ is ready/.test(msg ?? '')) continue;
      if (typeof cluster === 'number' && typeof workerPid === 'number') pids.set(cluster, workerPid);
    }
    return pids;
  }

  /** Every process that it started and that still runs, itself included. */
  public processes(): number[] {
    return processesWith((variable) => variable === `KALLISTI_TEST=${this.#marker}`);
  }

  /** Stops it with SIGTERM if it runs, and removes its folder. */
  public async dispose(): Promise<void> {
    this.signal('SIGTERM');
    await this.ended();
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
    rmSync(this.#cwd, { recursive: true, force: true });
  }
}
