import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript, startScript } from '../../support/runScript.js';
import { openStore, temporaryFolder } from './support.js';

const DIST = new URL('../../../dist/', import.meta.url).href;

/** Makes `store`, `log` and `send(t, d)` of a process that serves shard 0 in `dataDir`. */
function serve(dataDir: string, options = '{}'): string {
  return `
    const { ShardStore } = await load('cluster/store/ShardStore.js');
    const { CommitSchedule } = await load('cluster/store/CommitSchedule.js');
    const log = [];
    const note = (level) => ({ err }, message) => log.push(level + ': ' + message + (err ? ' | ' + err.message : ''));
    const logger = { debug() {}, warn: note('warn'), error: note('error') };
    const store = await ShardStore.open({ dataDir: ${JSON.stringify(dataDir)}, shardId: 0, shardCount: 1,
      tokenHash: 'hash of a token', logger, ...${options} });
    const session = await store.takeOver();
    let seq = session?.seq ?? 0;
    const send = (t, d) => {
      const packet = { op: 0, t, s: ++seq, d };
      store.dispatches.judge(packet);
      store.dispatches.handled(packet);
    };
    if (session === undefined) {
      send('READY', { session_id: 'session', resume_gateway_url: 'wss://x', guilds: [], user: { id: '1' }, application: {} });
      send('GUILD_CREATE', { id: '10', channels: [{ id: '11', type: 0, name: '2' }], member_count: 0 });
    }
  `;
}

/** As `runScript()`, with files of 500 kB at most. */
function runLimited(script: string): SpawnSyncReturns<string> {
  const prelude = `const load = (path) => import(new URL(path, ${JSON.stringify(DIST)}).href);\n`;
  const command = [
    '-c',
    'ulimit -f 1000; exec "$0" "$@"',
    process.execPath,
    '--input-type=module',
    '--eval',
    prelude + script,
  ];
  return spawnSync('sh', command, { encoding: 'utf8' });
}

describe('a process that is killed while it serves a shard', () => {
  it('leaves a sequence number and a state that belong together, every time', { timeout: 120_000 }, async () => {
    const dataDir = temporaryFolder();
    let last = 0;
    for (let round = 0; round < 15; round++) {
      // Every third dispatch says in a channel's name which it is, and every tenth adds a member.
      const child = startScript(`${serve(dataDir, '{ schedule: new CommitSchedule(1) }')}
        await store.commit();
        process.stdout.write('serving');
        for (;;) {
          for (let i = Math.random() * 20; i > 0; i--) {
            if ((seq + 1) % 3 === 0) send('CHANNEL_UPDATE', { guild_id: '10', id: '11', type: 0, name: String(seq + 1) });
            else if ((seq + 1) % 10 === 0) send('GUILD_MEMBER_ADD', { guild_id: '10', user: { id: String(seq + 1) } });
            else send('MESSAGE_CREATE', {});
          }
          await new Promise((resolve) => Math.random() < 0.5 ? setImmediate(resolve) : setTimeout(resolve, 1));
        }`);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      child.kill('SIGKILL');
      await once(child, 'close');

      const { store, log } = await openStore(dataDir);
      const seq = store.session()?.seq ?? 0;
      const guild = store.readGuild('10')?.guild;
      const seqs = Array.from({ length: seq }, (_, index) => index + 1);
      expect(seq).toBeGreaterThanOrEqual(last);
      expect(guild?.channels?.[0]?.name).toBe(String(seqs.findLast((s) => s % 3 === 0) ?? 2));
      expect(guild?.member_count).toBe(seqs.filter((s) => s % 10 === 0 && s % 3 !== 0).length);
      expect(log.lines).toEqual([]);
      last = seq;
      await store.close();
    }
    expect(last).toBeGreaterThan(500);
  });

  it('holds up nobody, even if it was killed in the middle of a transaction', async () => {
    const dataDir = temporaryFolder();
    const child = startScript(`${serve(dataDir)}
      await store.commit();
      const { open } = await import('lmdb');
      open({ path: ${JSON.stringify(join(dataDir, 'shards', '0'))} }).transactionSync(() => {
        process.stdout.write('inside');
        for (;;);
      });`);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');

    const { store, log } = await openStore(dataDir);
    expect((await store.takeOver())?.seq).toBe(2);
    store.dispatches.handled({ op: 0, t: 'MESSAGE_CREATE', s: 3, d: {} });
    await store.commit();
    expect(store.persistent).toBe(true);
    expect(log.lines).toEqual([]);
  });
});

describe('two processes with the same shard', () => {
  it('see each other: one reads what the other writes, however large the file becomes', async () => {
    const dataDir = temporaryFolder();
    const { store: reader } = await openStore(dataDir);
    const { stdout } = await runScript(`${serve(dataDir)}
      for (let id = 100; id < 1100; id++) send('GUILD_CREATE', { id: String(id), name: 'x'.repeat(20_000) });
      await store.release();
      process.stdout.write(JSON.stringify({ log, persistent: store.persistent }));
      process.exit(0);`);
    expect(JSON.parse(stdout)).toEqual({ log: [], persistent: true });
    const { changed } = reader.changedSince(new Map());
    expect(changed).toHaveLength(1_001);
    for (const guildId of changed) expect(reader.readGuild(guildId)?.guild?.id).toBe(guildId);
    expect((await reader.takeOver())?.seq).toBe(1_002);
  });

  it('do not hold a store against its dead readers as long as it is served', async () => {
    const dataDir = temporaryFolder();
    const child = startScript(
      `${serve(dataDir)} await store.commit(); process.stdout.write('x'); setInterval(() => {}, 1e9);`,
    );
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    const label = { dataDir, shardId: 0, shardCount: 1, tokenHash: 'hash of a token' };
    for (let i = 0; i < 4; i++) {
      await runScript(`const { ShardStore } = await load('cluster/store/ShardStore.js');
        await ShardStore.open({ ...${JSON.stringify(label)}, logger: console });
        process.kill(process.pid, 'SIGKILL');`);
    }
    const { store, log } = await openStore(dataDir);
    expect(store.session()?.seq).toBe(2);
    expect(log.lines).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'close');
  });
});

describe('a process without room on its disk', () => {
  it.skipIf(process.platform === 'win32')('runs on, says so once, and leaves what it had written before', async () => {
    const dataDir = temporaryFolder();
    // A limit on the size of a file, in blocks of 512 bytes, behaves as a full disk does.
    const outcome = runLimited(`${serve(dataDir)}
      process.on('unhandledRejection', (error) => log.push('unhandled: ' + error));
      for (let id = 100; id < 200; id++) {
        send('GUILD_CREATE', { id: String(id), name: 'x'.repeat(10_000) });
        await store.commit();
      }
      const { persistent } = store;
      await store.release();
      await store.close();
      // Time for a promise that nobody has waited for.
      await new Promise((resolve) => setTimeout(resolve, 50));
      process.stdout.write(JSON.stringify({ log, persistent, seq }));`);
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(JSON.parse(outcome.stdout)).toEqual({
      log: [expect.stringMatching(/^error: The store of shard 0 cannot be used; .* \| .*File too large/)],
      persistent: false,
      seq: 102,
    });
    const { store, log } = await openStore(dataDir);
    const seq = store.session()?.seq ?? 0;
    expect(seq).toBeGreaterThan(10);
    expect(store.readGuild(String(100 + seq - 3))).toBeDefined();
    expect(store.readGuild(String(100 + seq - 2))).toBeUndefined();
    expect(log.lines).toEqual([]);
  });
});

describe('a process that may not write', () => {
  it.each(['', 'shards/0', 'shards/0/data.mdb', 'shards/0/lock.mdb'])(
    'runs on without persistence, and says so once: DATA_DIR/%s',
    async (readOnly) => {
      const dataDir = temporaryFolder();
      if (readOnly !== '') await (await openStore(dataDir)).store.close();
      const { stdout, code } = await runScript(`
        const { chmodSync, readdirSync } = await import('node:fs');
        await import('lmdb');
        await load('cluster/store/ShardStore.js');
        const dataDir = ${JSON.stringify(dataDir)};
        for (const path of ['', ...readdirSync(dataDir, { recursive: true })]) chmodSync(dataDir + '/' + path, 0o777);
        chmodSync(dataDir + '/${readOnly}', 0o555);
        // The superuser may write everywhere.
        if (process.getuid?.() === 0) process.setuid(65534);
        ${serve(dataDir)}
        await store.close();
        process.stdout.write(JSON.stringify({ log, persistent: store.persistent }));`);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        log: [expect.stringMatching(/^error: The store of shard 0 cannot be used; .* EACCES/)],
        persistent: false,
      });
    },
  );
});

describe('a process whose store was closed', () => {
  it('ends by itself', async () => {
    const { code, stdout } = await runScript(`${serve(temporaryFolder())}
      send('MESSAGE_CREATE', {});
      await store.close();
      process.stdout.write('closed');`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'closed' });
  });
});
