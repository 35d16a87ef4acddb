import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeFileError } from '../../../src/core/files/describeFileError.js';
import { identityOf, isRunning } from '../../../src/core/files/processIdentity.js';
import { DataDir } from '../../../src/master/dataDir/DataDir.js';
import { isAlive, until } from '../../support/processes.js';
import { runScript, startScript } from '../../support/runScript.js';

let root: string;
const children = new Set<ChildProcess>();
const dirs: DataDir[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kallisti-test-'));
  chmodSync(root, 0o755);
});
afterEach(async () => {
  for (const dir of dirs.splice(0)) dir.releaseLock();
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  children.clear();
  rmSync(root, { recursive: true, force: true });
});

function dataDir(path = join(root, 'data')): DataDir {
  const dir = new DataDir(path);
  dirs.push(dir);
  return dir;
}

/** A child that runs this with `dir` at hand and lives on; the lines it prints come one by one. */
function start(body: string): { child: ChildProcess; lines: AsyncIterator<string>; all: string[] } {
  const child = startScript(
    `import { existsSync } from 'node:fs';
     import { setImmediate as turn } from 'node:timers/promises';
     const { DataDir } = await load('master/dataDir/DataDir.js');
     const root = ${JSON.stringify(root)};
     const dir = new DataDir(root + '/data');
     const say = (line) => process.stdout.write(line + '\\n');
     setInterval(() => undefined, 1000);
     ${body}`,
  );
  children.add(child);
  child.stderr?.pipe(process.stderr);
  const all: string[] = [];
  if (child.stdout === null) throw new Error('the child has no stdout');
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => all.push(line));
  return { child, lines: reader[Symbol.asyncIterator](), all };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const lockFiles = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('master.lock'));

describe('prepare', () => {
  it('makes the folder and the one for sockets, for this user alone', () => {
    const dir = dataDir(join(root, 'a', 'b'));
    dir.prepare();
    dir.prepare();
    expect(statSync(dir.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir.path, 'ipc')).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir.path)).toEqual(['ipc']);
  });

  it('leaves the mode of a folder that was there, but closes the one for sockets', () => {
    mkdirSync(join(root, 'data', 'ipc'), { recursive: true });
    chmodSync(join(root, 'data', 'ipc'), 0o777);
    const before = statSync(join(root, 'data')).mode;
    dataDir().prepare();
    expect(statSync(join(root, 'data')).mode).toBe(before);
    expect(statSync(join(root, 'data', 'ipc')).mode & 0o777).toBe(0o700);
  });

  it('says in one line that DATA_DIR is a file, or lies in one', () => {
    writeFileSync(join(root, 'data'), '');
    const refusal = (path: string): unknown => {
      try {
        dataDir(path).prepare();
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(refusal(join(root, 'data'))).toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringMatching(/^DATA_DIR=\/.*data: is a file; it must be a folder.*$/),
    });
    expect(refusal(join(root, 'data', 'deeper'))).toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringMatching(/^DATA_DIR=.*deeper: a part of the path is a file.*$/),
    });
  });

  it('says that it may not write there', async () => {
    mkdirSync(join(root, 'data', 'ipc'), { recursive: true });
    chmodSync(join(root, 'data'), 0o555);
    const { stdout } = await runScript(
      `const { DataDir } = await load('master/dataDir/DataDir.js');
       if (process.getuid() === 0) process.setuid(65534);
       try { new DataDir(${JSON.stringify(join(root, 'data'))}).prepare(); }
       catch (error) { process.stdout.write(error.code + ' ' + error.message); }`,
    );
    expect(stdout).toMatch(/^DATA_DIR_UNUSABLE DATA_DIR=\S+: (no permission|not permitted) \(\w+ \S+\)$/);
    chmodSync(join(root, 'data'), 0o755);
  });

  it('names a full disk', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(describeFileError(full)).toBe('the disk is full');
  });
});

describe('the lock', () => {
  it('is held by one master; the second is told which pid holds it', async () => {
    const first = dataDir();
    first.prepare();
    await first.acquireLock();
    const refused = { code: 'DATA_DIR_IN_USE', message: expect.stringContaining(`(pid ${process.pid}) already runs`) };
    await expect(dataDir().acquireLock()).rejects.toMatchObject(refused);
    const { lines } = start(`await dir.acquireLock().catch((error) => say(error.code + ' ' + error.message));`);
    expect((await lines.next()).value).toMatch(
      new RegExp(`^DATA_DIR_IN_USE DATA_DIR=${root}/data: another master \\(pid ${process.pid}\\)`),
    );
    first.releaseLock();
    first.releaseLock();
    expect(lockFiles(first.path)).toEqual([]);
    const third = dataDir();
    await third.acquireLock();
  });

  it('of a process that was killed is taken over without a word', async () => {
    const dir = dataDir();
    dir.prepare();
    const { child, lines } = start(`await dir.acquireLock(); say('held');`);
    await lines.next();
    await expect(dir.acquireLock()).rejects.toThrow(`(pid ${child.pid})`);
    await kill(child);
    await dir.acquireLock();
    expect(lockFiles(dir.path)).toEqual(['master.lock']);
  });

  it.runIf(existsSync('/proc/self/stat'))('of a dead process is taken over though its pid lives again', async () => {
    const dir = dataDir();
    dir.prepare();
    const ours = identityOf(process.pid);
    const lock = { ...ours, startedAt: `${ours.startedAt}1`, nonce: 'dead' };
    writeFileSync(join(dir.path, 'master.lock'), JSON.stringify(lock));
    await dir.acquireLock();
    expect(JSON.parse(readFileSync(join(dir.path, 'master.lock'), 'utf8'))).toMatchObject(ours);
  });

  it.runIf(existsSync('/proc/self/stat'))('is not held by a zombie', async () => {
    // The shell becomes `sleep`, which never asks how its child ended.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.add(parent);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const identity = identityOf(Number(line));
    await until(() => !isAlive(identity.pid));
    expect(() => process.kill(identity.pid, 0)).not.toThrow();
    expect(isRunning(identity)).toBe(false);
    expect(isRunning(identityOf(process.pid))).toBe(true);
  });

  it('that is damaged holds nobody up', async () => {
    const dir = dataDir();
    dir.prepare();
    for (const text of ['', '{"pid":1', '{"pid":"1","nonce":"../../x"}']) {
      writeFileSync(join(dir.path, 'master.lock'), text);
      await dir.acquireLock();
      dir.releaseLock();
      expect(lockFiles(dir.path)).toEqual([]);
    }
  });

  it('falls to the next when its taker was killed half-way, and nothing of it is left', async () => {
    const dir = dataDir();
    dir.prepare();
    const dead = { ...identityOf(process.pid), startedAt: 'long ago' };
    const write = (name: string, nonce: string): void =>
      writeFileSync(join(dir.path, name), JSON.stringify({ ...dead, nonce }));
    write('master.lock', 'first');
    write('master.lock.takeover.first', 'second');
    write('master.lock.takeover.second', 'third');
    write('master.lock.third', 'third');
    await dir.acquireLock();
    expect(lockFiles(dir.path)).toEqual(['master.lock']);
  });

  it('leaves the file of a starter that has not written it yet, and clears one that never will', async () => {
    const dir = dataDir();
    dir.prepare();
    const longAgo = new Date(Date.now() - 60_000);
    writeFileSync(join(dir.path, 'master.lock.starter'), '');
    writeFileSync(join(dir.path, 'master.lock.cut-off'), '');
    utimesSync(join(dir.path, 'master.lock.cut-off'), longAgo, longAgo);
    await dir.acquireLock();
    expect(lockFiles(dir.path).sort()).toEqual(['master.lock', 'master.lock.starter']);
  });

  it('says who is in the way when a takeover hangs', async () => {
    const dir = dataDir();
    dir.prepare();
    const ours = identityOf(process.pid);
    writeFileSync(join(dir.path, 'master.lock'), JSON.stringify({ ...ours, startedAt: 'long ago', nonce: 'first' }));
    writeFileSync(join(dir.path, 'master.lock.takeover.first'), JSON.stringify({ ...ours, nonce: 'second' }));
    await expect(dir.acquireLock()).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
    expect(lockFiles(dir.path).sort()).toEqual(['master.lock', 'master.lock.takeover.first']);
  });

  it('of another container counts while somebody answers for the folder', async () => {
    const dir = dataDir();
    dir.prepare();
    const lock = JSON.stringify({ pid: 1, startedAt: 'then', pidNamespace: 'pid:[1]', nonce: 'other' });
    const path = join(dir.path, 'master.lock');
    const longAgo = new Date(Date.now() - 60_000);
    const write = (): void => {
      writeFileSync(path, lock);
      utimesSync(path, longAgo, longAgo);
    };
    const server = createServer().listen(dir.socketPath());
    await once(server, 'listening');
    write();
    await expect(dir.acquireLock()).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining('(pid 1 of another container)'),
    });
    server.close();
    await once(server, 'close');
    await dir.acquireLock();
    dir.releaseLock();
    // Nobody answers yet, but it has only just begun.
    writeFileSync(path, lock);
    await expect(dir.acquireLock()).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
  });

  it('falls to exactly one of 8 processes that start at the same instant, free or left by a dead one', async () => {
    const rounds = 20;
    dataDir().prepare();
    const victim = start(`await dir.acquireLock(); say('held');`);
    await victim.lines.next();
    await kill(victim.child);
    const racers = Array.from({ length: 8 }, () =>
      start(`
        say('loaded');
        for (let round = 0; round < ${rounds}; round++) {
          while (!existsSync(root + '/go' + round)) await turn();
          const dir = new DataDir(root + '/' + round);
          await dir.acquireLock().then(() => say(round + ' won'), (error) => say(round + ' ' + error.message));
        }`),
    );
    await Promise.all(racers.map(({ lines }) => lines.next()));
    for (let round = 0; round < rounds; round++) {
      dataDir(join(root, String(round))).prepare();
      if (round % 2 === 1) copyFileSync(join(root, 'data', 'master.lock'), join(root, String(round), 'master.lock'));
      writeFileSync(join(root, `go${round}`), '');
      const results = await Promise.all(racers.map(async ({ lines }) => String((await lines.next()).value)));
      const winner = racers[results.indexOf(`${round} won`)]?.child.pid;
      const losers = results.filter((result) => result.includes(`another master (pid ${winner}) already runs`));
      expect([round, winner, losers.length]).toEqual([round, expect.any(Number), 7]);
      expect(lockFiles(join(root, String(round)))).toEqual(['master.lock']);
    }
  });

  it('is never held by two, however often it is taken, freed and left by killed ones', async () => {
    dataDir().prepare();
    const contender = `
      import { openSync, closeSync, rmSync, readFileSync, writeFileSync } from 'node:fs';
      for (;;) {
        const dir = new DataDir(root + '/data');
        const won = await dir.acquireLock().then(() => true, () => false);
        if (!won) { await turn(); continue; }
        say('in');
        if (Math.random() < 0.1) process.kill(process.pid, 'SIGKILL');
        for (let i = Math.random() * 4; i > 0; i--) await turn();
        say('out');
        dir.releaseLock();
      }`;
    // Each process says when it has come in and, before it lets go, when it goes out; all write to one pipe, in order.
    const log = join(root, 'log');
    writeFileSync(log, '');
    const inherit = contender.replaceAll(
      /say\('(in|out)'\)/g,
      `writeFileSync(root + '/log', process.pid + ' $1\\n', { flag: 'a' })`,
    );
    const running = new Set(Array.from({ length: 6 }, () => start(inherit)));
    const entries = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
    let killed = 0;
    await until(() => {
      for (const one of running) {
        if (one.child.signalCode === null) continue;
        running.delete(one);
        killed++;
        running.add(start(inherit));
      }
      return killed >= 12 && entries().length > 400;
    });
    let inside: string | undefined;
    for (const entry of entries()) {
      const [pid, what] = entry.split(' ');
      if (what === 'in') {
        // The one before went out, or was killed inside.
        if (inside !== undefined) expect(isAlive(Number(inside))).toBe(false);
        inside = pid;
      } else {
        expect(pid).toBe(inside);
        inside = undefined;
      }
    }
  });
});

describe.skipIf(process.platform === 'win32')('socketPath', () => {
  const ask = (path: string, tmp: string) =>
    runScript(
      `import { createServer } from 'node:net';
       const { DataDir } = await load('master/dataDir/DataDir.js');
       try {
         const path = new DataDir(${JSON.stringify(path)}).socketPath();
         const server = createServer().listen(path, () => { process.stdout.write(path); server.close(); });
       } catch (error) { process.stdout.write(error.code + ' ' + error.message); }`,
      { env: { TMPDIR: tmp } },
    ).then(({ stdout }) => stdout);

  it('lies in DATA_DIR', () => {
    expect(new DataDir('/srv/bot').socketPath()).toBe('/srv/bot/ipc/master.sock');
  });

  it('lies in a private folder of the temporary ones where that is too long, always at the same place', async () => {
    const long = join(root, 'x'.repeat(100));
    const path = await ask(long, root);
    expect(path).toMatch(new RegExp(`^${root}/kallisti-\\d+/[0-9a-f]{24}\\.sock$`));
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    expect(await ask(long, root)).toBe(path);
    expect(await ask(`${long}y`, root)).not.toBe(path);
  });

  it('is refused where that private folder is open to others, or a link', async () => {
    const long = join(root, 'x'.repeat(100));
    const folder = join(await ask(long, root), '..');
    chmodSync(folder, 0o755);
    expect(await ask(long, root)).toMatch(/^DATA_DIR_UNUSABLE DATA_DIR=.*is not a folder of this user alone/);
    rmSync(folder, { recursive: true });
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(root, 'elsewhere'), folder);
    expect(await ask(long, root)).toMatch(/^DATA_DIR_UNUSABLE/);
  });

  it('is refused where even that path is too long', async () => {
    const tmp = join(root, 't'.repeat(80));
    mkdirSync(tmp);
    expect(await ask(join(root, 'x'.repeat(100)), tmp)).toMatch(
      /^DATA_DIR_UNUSABLE .*too long for a socket, and so is/,
    );
  });
});
