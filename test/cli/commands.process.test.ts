import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterStatus, LogLine, RestartStatus } from '../../src/core/contracts/AdminApi.js';
import { identityOf } from '../../src/core/files/processIdentity.js';
import { isAlive, until } from '../support/processes.js';
import { type CliOptions, CliRun, runCli } from './CliRun.js';
import { FakeMaster, failure } from './FakeMaster.js';
import { NOW, replaced, sampleCluster, sampleProgress, sampleRestart, sampleStatus } from './sampleStatus.js';

const COMMANDS = [
  'status',
  'shards',
  'restart',
  'eval',
  'find',
  'logs',
  'loglevel',
  'stop',
  'upgrade',
  'doctor',
  'completion',
];
const GUILD = {
  id: '81384788765712384',
  name: 'Hall',
  memberCount: 7,
  channelCount: 3,
  ownerId: '80351110224678912',
  shardId: 1,
  clusterId: 0,
};

let master: FakeMaster;
const runs: CliRun[] = [];
const dummies: ChildProcess[] = [];

beforeEach(async () => {
  master = await new FakeMaster().start();
});

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.signal('SIGKILL');
    await run.ended();
    expect(run.stdout + run.stderr).not.toContain(master.token);
  }
  for (const dummy of dummies.splice(0)) dummy.kill('SIGKILL');
  await master.dispose();
});

/** Starts it against the fake master. */
function start(args: readonly string[], options: CliOptions = {}): CliRun {
  const run = new CliRun(args, { ...options, env: { DATA_DIR: master.dataDir, ...options.env } });
  runs.push(run);
  return run;
}

async function cli(...args: string[]): Promise<CliRun & { readonly code: number | null }> {
  const run = start(args);
  return Object.assign(run, { code: await run.ended() });
}

/** A process that stands in for a master. */
async function dummyProcess(script = 'setInterval(() => {}, 1000)'): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', `${script}; process.stdout.write('up')`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  dummies.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child as ChildProcess & { readonly pid: number };
}

function bodyOf(path: string): unknown {
  return master.requests.find((request) => request.path === path)?.body;
}

describe('status', () => {
  it('shows the whole and every cluster, without colours where nobody looks', async () => {
    const { code, stdout, stderr } = await cli('status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^kallisti 1\.2\.3 · ready · master pid \d+ · up 1d 1h · Node v20\.1\.2$/m);
    expect(stdout).toMatch(
      /2\/2 clusters · 4\/4 shards · 1 spare · 2,468 guilds · 100,000 users · 85 events\/s · 2\.5 commands\/s/,
    );
    expect(stdout).toMatch(/990 of 1,000 IDENTIFYs left · 100 kept for crashes · reset in 2h/);
    expect(stdout).toMatch(/^CLUSTER +STATE +SHARDS +GUILDS/m);
    expect(stdout).toMatch(/^ +1 +ready +2\/2 +1,234 +42 +1\.3 +48ms +2\.3ms +123 MB +1h 2m +1 +0 +1001$/m);
    expect(stdout).not.toContain('\u001b');
  });

  it('says what is wrong, and --check ends with 1 then', async () => {
    expect((await cli('status', '--check')).code).toBe(0);
    const crashed = sampleCluster(1, {
      state: 'crashed',
      pid: null,
      retryAt: NOW + 4000,
      restarts: { count: 3, recent: [{ at: NOW, cause: 'crash', reason: 'was killed by SIGKILL\nlast words' }] },
    });
    master.status = sampleStatus({
      clusters: [sampleCluster(0), crashed],
      identify: {
        ...sampleStatus().identify,
        heldUp: { until: NOW + 60_000, shardIds: [2, 3] },
      } as never,
    });
    const { code, stdout } = await cli('status', '--check');
    expect(code).toBe(1);
    expect(stdout).toContain('! cluster 1 crashed: was killed by SIGKILL, tried again in 4s');
    expect(stdout).toContain('! all IDENTIFYs are spent: shards 2, 3 wait for 1m');
    expect(stdout).not.toContain('last words');
  });

  it('says that Discord refuses a shard, and what to do, and --check ends with 1 then', async () => {
    const { shards, ...cluster } = sampleCluster(1);
    const failed = shards.map((shard, i) => (i === 0 ? { ...shard, state: 'failed' as const } : shard));
    master.status = sampleStatus({ clusters: [sampleCluster(0), { ...cluster, shards: failed }] });
    const { code, stdout } = await cli('status', '--check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/! Discord refuses shards 2: in too many guilds \(4011\)\. Raise SHARD_COUNT/);
    expect((await cli('shards')).stdout).toMatch(/^ +2 +1 +failed/m);
  });

  it('prints with --json exactly what the master says', async () => {
    const run = await cli('status', '--json');
    expect(run.json()).toEqual([master.status]);
  });

  it('shows with --watch how it changes, survives a master that goes and comes, and ends with 0 by Ctrl-C', async () => {
    const run = start(['status', '--watch']);
    await run.untilPrinted(/990 of 1,000/);
    master.status = { ...master.status, phase: 'stopping' };
    await run.untilPrinted(/the master is stopping/);
    await master.stop();
    await run.untilPrinted(/the connection is lost/);
    master.status = sampleStatus({ master: { ...sampleStatus().master, version: '9.9.9' } });
    await master.start();
    await run.untilPrinted(/kallisti 9\.9\.9/);
    run.signal('SIGINT');
    expect(await run.ended()).toBe(0);
    expect(run.stderr.match(/connection is lost/g)).toHaveLength(1);
  });

  it('prints with --watch --json a line for each status', async () => {
    const run = start(['status', '--watch', '--json']);
    await run.untilPrinted(/\n.*\n/);
    run.signal('SIGTERM');
    expect(await run.ended()).toBe(0);
    const { history: _, ...live } = master.status;
    for (const line of run.json()) expect(line).toEqual(live);
  });

  it('leaves no viewer behind', async () => {
    const run = start(['status', '--watch']);
    await run.untilPrinted(/990 of/);
    expect(master.viewers).toBe(1);
    run.signal('SIGINT');
    await run.ended();
    await until(() => master.viewers === 0);
  });

  it('lets no escape sequence through', async () => {
    master.status = sampleStatus({ clusters: [sampleCluster(0, { problem: 'evil \u001b]0;title\u0007 \u009b31m' })] });
    const { stdout } = await cli('status');
    expect(stdout).toContain('evil');
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

describe('shards', () => {
  it('shows each, or those of one cluster', async () => {
    const all = await cli('shards');
    expect(all.stdout.trim().split('\n')).toHaveLength(5);
    expect(all.stdout).toMatch(/^ +3 +1 +ready +31ms +617 +resumed +1m +3 +14ms$/m);
    const one = await cli('shards', '1', '--json');
    expect(one.json()).toEqual([master.status.clusters[1]?.shards.map((shard) => ({ clusterId: 1, ...shard }))]);
  });

  it('ends with 1 where there is no such cluster, and says which there are', async () => {
    const { code, stderr } = await cli('shards', '7');
    expect(code).toBe(1);
    expect(stderr).toBe('there is no cluster 7; there are 0, 1\n');
  });
});

describe('restart', () => {
  const restartIs = (restart: RestartStatus): void => {
    master.status = { ...master.status, restart };
    master.push('restart', restart);
  };
  const done = { outcome: 'done', durationMs: 4200, clusters: [replaced(0), replaced(1)] } as const;

  beforeEach(() => {
    master.answers.set('POST /api/restart', () => ({ status: 202, body: { id: 'r1', clusterIds: [0, 1] } }));
  });

  it('shows each cluster as it is done, the whole at the end, and ends with 0', async () => {
    const run = start(['restart']);
    await until(() => master.viewers === 1);
    restartIs(sampleRestart());
    restartIs(sampleRestart({ clusters: [replaced(0), sampleProgress(1, { state: 'replacing' })] }));
    await run.untilPrinted(/replaced cluster 0 in 2\.1s: paused 11\/17 ms, 5 events replayed, 0 IDENTIFYs/);
    restartIs(sampleRestart(done));
    expect(await run.ended()).toBe(0);
    expect(run.stdout.match(/replaced cluster 0/g)).toHaveLength(1);
    expect(run.stdout).toMatch(
      /Restarted 2 of 2 clusters in 4\.2s; longest pause of a shard 17ms, 10 events replayed, 0 IDENTIFYs\n$/,
    );
    expect(bodyOf('/api/restart')).toEqual({});
  });

  it('takes the clusters that are named, and is one JSON object with --json', async () => {
    master.status = sampleStatus({ restart: sampleRestart(done) });
    const run = await cli('restart', '1', '0', '--json');
    expect(run.code).toBe(0);
    expect(bodyOf('/api/restart')).toEqual({ clusterIds: [1, 0] });
    expect(run.json()).toEqual([master.status.restart]);
  });

  it('ends with 1 where it failed, and shows why with the last words of the process', async () => {
    const failed = sampleProgress(0, {
      state: 'failed',
      durationMs: 900,
      reason: 'cluster 0 exited with code 3\nIts last log lines:\n  boom',
    });
    master.status = sampleStatus({
      restart: sampleRestart({ outcome: 'failed', clusters: [failed, sampleProgress(1, { state: 'skipped' })] }),
    });
    const { code, stdout } = await cli('restart');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /failed cluster 0 after 900ms: cluster 0 exited with code 3\n.*\n {2}boom\nskipped cluster 1\n/,
    );
    expect(stdout).toMatch(/The restart failed after 0 of 2 clusters/);
  });

  it('goes on watching over a lost connection', async () => {
    master.status = sampleStatus({ restart: sampleRestart() });
    const run = start(['restart']);
    await until(() => master.viewers === 1);
    master.dropViewers();
    await run.untilPrinted(/the connection is lost/);
    master.status = sampleStatus({ restart: sampleRestart(done) });
    expect(await run.ended()).toBe(0);
  });

  it('ends with 4 where the master is a new one, which knows nothing of it', async () => {
    master.status = sampleStatus({ restart: sampleRestart() });
    const run = start(['restart']);
    await run.untilPrinted(/^/);
    await until(() => master.viewers === 1);
    master.dropViewers();
    master.status = sampleStatus();
    expect(await run.ended()).toBe(4);
    expect(run.stderr).toContain('the master went away before the restart was done');
  });

  it('ends with 130 by Ctrl-C, and says that the restart goes on', async () => {
    master.status = sampleStatus({ restart: sampleRestart() });
    const run = start(['restart']);
    await until(() => master.viewers === 1);
    run.signal('SIGINT');
    expect(await run.ended()).toBe(130);
    expect(run.stderr).toBe('Not watched any more; the restart goes on\n');
  });

  it('only begins it with --no-wait', async () => {
    const { code, stdout } = await cli('restart', '--no-wait');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Restarting 2 clusters: 0, 1\n' });
  });

  it('ends with 4 where one is under way', async () => {
    master.answers.set('POST /api/restart', () =>
      failure(409, 'RESTART_IN_PROGRESS', 'a rolling restart is under way'),
    );
    const run = await cli('restart', '--json');
    expect(run.code).toBe(4);
    expect(run.stderr).toBe('kallisti: a rolling restart is under way\n');
    expect(run.json()).toMatchObject([{ error: { code: 'RESTART_IN_PROGRESS', retryable: true } }]);
  });
});

describe('eval', () => {
  beforeEach(() => {
    master.answers.set('POST /api/eval', () => ({ body: { results: [{ target: 'master', ok: true, output: '42' }] } }));
  });

  it.each([
    [[], 'master'],
    [['--target', 'here'], 'master'],
    [['--target', 'all'], 'all'],
    [['-t', '3'], { clusterId: 3 }],
  ])('runs with %j in %j', async (flags, target) => {
    const { code, stdout } = await cli('eval', '6 * 7', ...flags);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
    expect(bodyOf('/api/eval')).toEqual({ code: '6 * 7', target });
  });

  it('reads the code from stdin', async () => {
    const run = start(['eval', '-'], { input: 'a\nb' });
    expect(await run.ended()).toBe(0);
    expect(bodyOf('/api/eval')).toMatchObject({ code: 'a\nb' });
  });

  it('ends with 1 where the code threw in one of several, and says which', async () => {
    const results = [
      { target: 'cluster 0', ok: true, output: '1' },
      { target: 'cluster 1', ok: false, output: 'Error: no \u001b[2J' },
    ];
    master.answers.set('POST /api/eval', () => ({ body: { results } }));
    const { code, stdout } = await cli('eval', 'x', '--target', 'all');
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'cluster 0: 1\ncluster 1: Error: no \ufffd[2J\n' });
  });

  it('ends with 4 where it is off', async () => {
    master.answers.set('POST /api/eval', () => failure(403, 'EVAL_DISABLED', 'eval is off: set ADMIN_EVAL=on'));
    const { code, stderr } = await cli('eval', '1');
    expect({ code, stderr }).toEqual({ code: 4, stderr: 'kallisti: eval is off: set ADMIN_EVAL=on\n' });
  });
});

describe('find', () => {
  it('shows what is found', async () => {
    master.answers.set(`GET /api/find/guild/${GUILD.id}`, () => ({ body: { guild: GUILD } }));
    expect((await cli('find', 'guild', GUILD.id)).stdout).toMatch(/^name +Hall$/m);
    expect((await cli('find', 'guild', GUILD.id, '--json')).json()).toEqual([{ guild: GUILD }]);
  });

  it('ends with 1 where nobody has it', async () => {
    master.answers.set(`GET /api/find/user/${GUILD.id}`, () => ({ body: { user: null } }));
    const run = await cli('find', 'user', GUILD.id);
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: `no cluster has a user ${GUILD.id}\n` });
    expect((await cli('find', 'user', GUILD.id, '--json')).json()).toEqual([{ user: null }]);
  });
});

describe('logs', () => {
  const line = (index: number, clusterId: number | null = 1, level: LogLine['level'] = 'info'): LogLine => ({
    clusterId,
    time: NOW + index,
    level,
    text: `line ${index}`,
  });

  beforeEach(() => {
    master.logs = [line(1), line(2, null), line(3), line(4, null, 'error')];
  });

  it('prints the last of all, of one cluster, of the master', async () => {
    expect((await cli('logs', '--lines', '3')).stdout).toBe('line 2\nline 3\nline 4\n');
    expect((await cli('logs', '1')).stdout).toBe('line 1\nline 3\n');
    expect((await cli('logs', 'master', '-n', '1')).stdout).toBe('line 4\n');
    expect((await cli('logs', '--json', '-n', '1')).json()).toEqual([line(4, null, 'error')]);
  });

  it('goes on with --follow, repeats nothing after a lost connection, and ends with 0 by Ctrl-C', async () => {
    const run = start(['logs', '--follow', '-n', '2']);
    await until(() => master.viewers === 1);
    master.log(line(5));
    // The same again is a new line.
    master.log(line(5));
    await run.untilPrinted(/(line 5\n){2}/);
    await master.stop();
    await run.untilPrinted(/connection is lost/);
    master.logs.push(line(6));
    await master.start();
    await run.untilPrinted(/line 6/);
    master.log(line(7));
    await run.untilPrinted(/line 7/);
    run.signal('SIGINT');
    expect(await run.ended()).toBe(0);
    expect(run.stdout).toBe(`${[3, 4, 5, 5, 6, 7].map((index) => `line ${index}`).join('\n')}\n`);
  });

  it('ends with 0 where its reader has enough', async () => {
    const run = start(['logs', '--follow']);
    await until(() => master.viewers === 1);
    run.closeStdout();
    await until(() => {
      master.log(line(8));
      return master.viewers === 0;
    });
    expect(await run.ended()).toBe(0);
  });
});

it('loglevel changes it and says where', async () => {
  expect((await cli('loglevel', 'debug')).stdout).toBe('Log level debug: the master and clusters 0, 1\n');
  expect(bodyOf('/api/loglevel')).toEqual({ level: 'debug' });
  await cli('loglevel', 'trace', '1');
  expect(master.requests.at(-1)?.body).toEqual({ level: 'trace', clusterId: 1 });
});

describe('stop', () => {
  it('waits until the master is gone', async () => {
    const dummy = await dummyProcess();
    master.announce(dummy.pid);
    master.answers.set('POST /api/stop', () => {
      setTimeout(() => dummy.kill('SIGKILL'), 300);
      return { status: 202, body: { status: 'stopping' } };
    });
    const { code, stdout } = await cli('stop');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Stopped \\(pid ${dummy.pid}\\) in .*s\n$`));
    expect(isAlive(dummy.pid)).toBe(false);
  });

  it('ends with 1 where the master is not gone in time', async () => {
    master.answers.set('POST /api/stop', () => ({ status: 202, body: { status: 'stopping' } }));
    const run = await cli('stop', '--timeout', '300ms', '--json');
    expect(run.code).toBe(1);
    expect(run.json()).toEqual([{ stopped: false }]);
    expect(run.stderr).toMatch(/still runs after 300ms/);
  });

  it('waits for the end of the API, where only that is known', async () => {
    master.answers.set('POST /api/stop', () => {
      setTimeout(() => void master.stop(), 200);
      return { status: 202, body: { status: 'stopping' } };
    });
    rmSync(join(master.dataDir, 'admin.json'));
    expect((await cli('stop', '--url', master.url)).code).toBe(0);
  });
});

describe('upgrade', () => {
  /** A master that takes SIGUSR2 and does with it what the test says. */
  async function listensToUpgrades(onSignal: () => Promise<void>): Promise<number> {
    const dummy = await dummyProcess(
      'process.on("SIGUSR2", () => process.stdout.write("signal")); setInterval(() => {}, 1000)',
    );
    dummy.stdout?.on('data', () => void onSignal());
    master.announce(dummy.pid);
    master.status = sampleStatus({ master: { ...sampleStatus().master, pid: dummy.pid } });
    return dummy.pid;
  }

  it('waits for the new master, shows the restart of the clusters, and ends with 0', async () => {
    const next = await dummyProcess();
    const pid = await listensToUpgrades(async () => {
      await master.stop();
      rmSync(join(master.dataDir, 'admin.json'));
      master.status = sampleStatus({ master: { ...sampleStatus().master, pid: next.pid, version: '2.0.0' } });
      await master.start(next.pid);
      setTimeout(() => {
        master.status = {
          ...master.status,
          restart: sampleRestart({ outcome: 'done', clusters: [replaced(0), replaced(1)] }),
        };
      }, 200);
    });
    const { code, stdout } = await cli('upgrade');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^New master: pid ${next.pid}, version 2\\.0\\.0 \\(before: pid ${pid}, 1\\.2\\.3\\)`),
    );
    expect(stdout).toMatch(/Restarted 2 of 2 clusters/);
  });

  it('ends with 1 where the old master comes back, with what it has logged of that', async () => {
    await listensToUpgrades(async () => {
      const pid = master.status.master.pid;
      await master.stop();
      setTimeout(() => {
        master.logs = [
          { clusterId: null, time: Date.now(), level: 'error', text: 'the new master did not start (exit code 1)' },
        ];
        void master.start(pid);
      }, 500);
    });
    const { code, stderr } = await cli('upgrade');
    expect(code).toBe(1);
    expect(stderr).toMatch(/The upgrade failed: the new master did not start, and the old one \(pid \d+\) goes on/);
    expect(stderr).toMatch(/ {2}the new master did not start \(exit code 1\)/);
  });

  it('ends with 1 where the new master leaves the clusters as they are, and with 0 where it has ended them', async () => {
    const next = await dummyProcess();
    const replaceBy = (clusters: readonly ClusterStatus[]) => async () => {
      await master.stop();
      master.status = sampleStatus({ clusters, master: { ...sampleStatus().master, pid: next.pid } });
      await master.start(next.pid);
    };
    await listensToUpgrades(replaceBy([sampleCluster(0), sampleCluster(1, { pid: 4711 })]));
    const left = await cli('upgrade');
    expect(left.code).toBe(1);
    expect(left.stderr).toMatch(/these still run the old code: 0\n/);
    await listensToUpgrades(
      replaceBy([sampleCluster(0, { pid: 4710 }), sampleCluster(1, { pid: null, state: 'starting' })]),
    );
    const ended = await cli('upgrade');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/not taken over but ended/);
  }, 60_000);

  it('ends with 1 where no new one comes in time', async () => {
    await listensToUpgrades(() => Promise.resolve());
    const { code, stderr } = await cli('upgrade', '--timeout', '400ms');
    expect(code).toBe(1);
    expect(stderr).toMatch(/no new master after 400ms; the old one \(pid \d+\) still runs/);
  });

  it('sends no signal to a master on another machine', async () => {
    expect((await cli('upgrade', '--url', master.url)).code).toBe(2);
  });
});

describe('without a running master', () => {
  const needing = COMMANDS.filter((name) => name !== 'doctor' && name !== 'completion');
  const argumentsOf: Readonly<Record<string, string[]>> = {
    eval: ['1'],
    find: ['guild', GUILD.id],
    loglevel: ['info'],
  };

  it.each(needing)('%s ends with 3 and one line', async (name) => {
    await master.stop();
    rmSync(join(master.dataDir, 'admin.json'));
    const { code, stdout, stderr } = await cli(name, ...(argumentsOf[name] ?? []));
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^kallisti: no master runs on DATA_DIR=[^\n]*\n$/);
  });

  it('that one which died is gone is said', async () => {
    const dummy = await dummyProcess();
    master.announce(dummy.pid);
    dummy.kill('SIGKILL');
    await until(() => !isAlive(dummy.pid));
    const { code, stderr } = await cli('status', '--watch');
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: `kallisti: no master runs on DATA_DIR=${master.dataDir}: the last one (pid ${dummy.pid}) is gone\n`,
    });
  });

  it('a master without admin API is told from none', async () => {
    rmSync(join(master.dataDir, 'admin.json'));
    writeFileSync(join(master.dataDir, 'master.lock'), JSON.stringify(identityOf(process.pid)));
    const { code, stderr } = await cli('status');
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`^kallisti: a master \\(pid ${process.pid}\\) runs .*ADMIN_PORT is off\n$`));
  });

  it('nobody at the URL is one line', async () => {
    const { url } = master;
    await master.stop();
    const { code, stderr } = await cli('status', '--url', url);
    expect({ code, stderr }).toEqual({ code: 3, stderr: `kallisti: no master answers at ${url} (ECONNREFUSED)\n` });
  });

  it('with --json the same is an object on stdout', async () => {
    rmSync(join(master.dataDir, 'admin.json'));
    const run = await cli('shards', '--json');
    expect(run.code).toBe(3);
    expect(run.json()).toMatchObject([{ error: { code: 'MASTER_NOT_RUNNING', retryable: true } }]);
  });
});

describe('the token', () => {
  const wrong = 'a-wrong-token-of-some-length';

  it.each([
    ['--token', ['--token', wrong], {}],
    ['KALLISTI_ADMIN_TOKEN', [], { KALLISTI_ADMIN_TOKEN: wrong }],
    ['ADMIN_TOKEN', [], { ADMIN_TOKEN: wrong }],
  ])('of %s is the one that is sent, and is not printed', async (_, args, env) => {
    const run = start(['status', '--verbose', ...args], { env });
    expect(await run.ended()).toBe(4);
    expect(run.stderr).toMatch(/^kallisti: the token is not valid\n/);
    expect(run.stdout + run.stderr).not.toContain(wrong);
  });

  it('is asked for where there is none', async () => {
    rmSync(join(master.dataDir, 'admin-token'));
    const { code, stderr } = await cli('status');
    expect(code).toBe(4);
    expect(stderr).toMatch(/^kallisti: no token for the admin API: [^\n]*KALLISTI_ADMIN_TOKEN[^\n]*\n$/);
  });

  it('does not show where the master itself would tell it', async () => {
    master.answers.set('GET /api/status', () => failure(500, 'REMOTE_ERROR', `no, ${master.token}`));
    expect((await cli('status', '--verbose')).stderr).toContain('[redacted]');
    master.answers.set('POST /api/eval', () => ({
      body: { results: [{ target: 'master', ok: true, output: master.token }] },
    }));
    expect((await cli('eval', 'x', '--json')).stdout).toContain('[redacted]');
  });

  it('does not show in the error about a slip of the finger', async () => {
    const { code, stderr } = await cli(`--tokn=${master.token}`, 'status');
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--tokn=...'");
  });
});

describe('a master that gives no usable answer', () => {
  it.each([
    [
      'a page of HTML',
      { status: 502, text: '<html>Bad Gateway</html>' },
      /does not answer as a master does \(HTTP 502\)/,
    ],
    ['an error without words', { status: 500, body: {} }, /answers HTTP 500, and not why/],
  ])('%s is one line and 4', async (_, answer, expected) => {
    master.answers.set('GET /api/status', () => answer);
    const { code, stderr } = await cli('status');
    expect(code).toBe(4);
    expect(stderr).toMatch(expected);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('silence is given up after 10 s', async () => {
    master.answers.set('GET /api/status', () => ({ hangs: true }));
    const { code, stderr } = await cli('status');
    expect({ code, stderr }).toEqual({ code: 4, stderr: `kallisti: ${master.url} gave no answer in 10 s\n` });
  });

  it('Ctrl-C ends the waiting at once', async () => {
    master.answers.set('GET /api/status', () => ({ hangs: true }));
    const run = start(['status']);
    await until(() => master.requests.length > 0);
    run.signal('SIGINT');
    expect(await run.ended()).toBe(130);
    expect(run.stdout + run.stderr).toBe('');
  });
});

describe('the help', () => {
  it.each(COMMANDS)('of %s has examples and the options of every command', async (name) => {
    const { code, stdout, stderr } = await runCli([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: kallisti ${name}`);
    expect(stdout).toMatch(new RegExp(`Examples:\n(.*\n)*.*kallisti ${name}`));
    for (const option of ['--data-dir', '--url', '--token', '--json']) expect(stdout).toContain(option);
  });

  it('of the program names every command and exit code', async () => {
    const { stdout } = await runCli(['--help']);
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    for (const code of [0, 1, 2, 3, 4, 130]) expect(stdout).toMatch(new RegExp(`^ {2}${code} +\\w`, 'm'));
  });

  it.each([
    [['bogus']],
    [['find', 'guild']],
    [['find', 'planet', GUILD.id]],
    [['find', 'guild', 'abc']],
    [['shards', 'x']],
    [['loglevel', 'loud']],
    [['eval', '1', '--target', 'moon']],
    [['logs', '--lines', '-1']],
    [['stop', '--timeout', '5']],
    [['status', 'too', 'many']],
    [['status', '--url', 'ftp://x']],
    [[]],
  ])('wrong arguments end with 2: %j', async (args) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });
});
