import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cluster/commands/Command.js';
import type { ReleasedShards } from '../../src/core/contracts/ClusterContract.js';
import { until } from './gateway/support.js';
import { gate, OneCluster, type OneClusterOptions } from './OneCluster.js';

const release = (cluster: OneCluster): Promise<ReleasedShards> =>
  cluster.master.request('releaseShards', undefined) as Promise<ReleasedShards>;
const takeBack = (cluster: OneCluster): Promise<unknown> => cluster.master.request('adoptShards', undefined);

/** A cluster that serves and has heard something. */
async function serving(options: OneClusterOptions = {}): Promise<OneCluster> {
  const cluster = await OneCluster.serving(options);
  cluster.say('before');
  await until(() => expect(cluster.adapter?.heard).toEqual(['before']));
  return cluster;
}

/** Waits until it serves again, and hears what was said meanwhile. */
async function hears(cluster: OneCluster, ...contents: readonly string[]): Promise<void> {
  await until(() => expect(cluster.adapter?.heard).toEqual(contents));
  await until(() => expect(cluster.states()).toEqual(['ready', 'ready']));
}

/** Whether the socket of a killed master ends or breaks is chance. */
const warnings = (cluster: OneCluster): string[] =>
  cluster.worker.log.warnings().filter((message) => message !== 'the connection to the master broke');

const connectionsOpen = (cluster: OneCluster): number => cluster.discord.account.summary().connectionsOpen;

describe('a release', () => {
  it('closes the connections, then asks the bot for its state, and replies with where a successor goes on', async () => {
    const cluster = await serving({
      saveState: () => {
        cluster.say('meanwhile');
        return { games: 3 };
      },
    });
    const released = await release(cluster);
    expect(released).toMatchObject({ sessions: [{ shardId: 0 }, { shardId: 1 }], state: { games: 3 } });
    expect(cluster.states()).toEqual(['released', 'released']);
    await until(() => expect(connectionsOpen(cluster)).toBe(0));

    const restored: unknown[] = [];
    const successor = await OneCluster.serving({
      after: cluster,
      answers: { acquireShards: () => released },
      restoreState: (state) => void restored.push(state),
    });
    await hears(successor, 'meanwhile');
    expect(restored).toEqual([{ games: 3 }]);
    expect(cluster.adapter?.heard).toEqual(['before']);
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2, violations: 0, overlaps: 0 });
    const { data } = successor.master.events.find(({ name }) => name === 'shardsArrived') ?? {};
    expect(data).toMatchObject([
      { shardId: 0, by: 'resumed', replayed: 1, pauseMs: expect.any(Number) },
      { shardId: 1, by: 'resumed', replayed: 0, pauseMs: expect.any(Number) },
    ]);
  });

  it('says the same when it is asked for twice', async () => {
    const cluster = await serving();
    const first = await release(cluster);
    expect((await release(cluster)).sessions).toEqual(first.sessions);
  });

  it('is undone where the bot cannot save its state: the process serves on', async () => {
    const cluster = await serving({
      saveState: () => {
        throw new Error('a bug of the bot');
      },
    });
    const released = release(cluster);
    cluster.say('meanwhile');
    await expect(released).rejects.toMatchObject({
      code: 'HANDOVER_FAILED',
      message: 'saveState threw: a bug of the bot',
    });
    await hears(cluster, 'before', 'meanwhile');
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2, violations: 0, overlaps: 0 });
    expect(cluster.worker.log.warnings()).toEqual([
      'the state of the bot could not be saved: this process keeps its shards',
    ]);
  });

  it('is undone where the bot does not end saving its state in two seconds', async () => {
    const cluster = await serving({ saveState: () => gate().opened });
    await expect(release(cluster)).rejects.toMatchObject({
      code: 'HANDOVER_FAILED',
      message: 'saveState did not end within 2000 ms',
    });
    cluster.say('after');
    await hears(cluster, 'before', 'after');
  });
});

describe('taking shards back', () => {
  it('resumes them where they were released', async () => {
    const cluster = await serving();
    await release(cluster);
    cluster.say('meanwhile');
    await takeBack(cluster);
    await hears(cluster, 'before', 'meanwhile');
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2, violations: 0, overlaps: 0 });
    // And once more: nothing of the first time is left.
    await release(cluster);
    cluster.say('again');
    await takeBack(cluster);
    await hears(cluster, 'before', 'meanwhile', 'again');
  });

  it('does nothing where they were not released', async () => {
    const cluster = await serving();
    await takeBack(cluster);
    cluster.say('after');
    await hears(cluster, 'before', 'after');
    expect(cluster.discord.account.connections).toHaveLength(2);
  });

  it('waits for a release that is under way', async () => {
    const pause = gate();
    const cluster = await serving({ saveState: () => pause.opened });
    const order: string[] = [];
    const released = release(cluster).then(() => order.push('released'));
    await until(() => expect(connectionsOpen(cluster)).toBe(0));
    const back = takeBack(cluster).then(() => order.push('taken back'));
    // A question that is asked later is answered sooner: both still wait for the bot.
    await cluster.master.request('getStats', undefined);
    expect(order).toEqual([]);
    pause.open();
    await Promise.all([released, back]);
    expect(order).toEqual(['released', 'taken back']);
    cluster.say('after');
    await hears(cluster, 'before', 'after');
  });

  it('tells the master where Discord refuses the bot by then', async () => {
    const cluster = await serving();
    await release(cluster);
    await until(() => expect(connectionsOpen(cluster)).toBe(0));
    // The sessions are over, and the IDENTIFYs that follow are refused.
    expect(cluster.discord.faults.expireSessions()).toBe(2);
    cluster.discord.faults.closeOnIdentify(4014, { times: 2 });
    await takeBack(cluster);
    await until(() => expect(cluster.master.order).toContain('discordRefused'));
    expect(cluster.master.order.filter((name) => name === 'discordRefused')).toHaveLength(1);
    expect(cluster.worker.processEnds).toBe(0);
  });

  it('is done before they are ready again, and goes on while Discord is out of reach', async () => {
    const cluster = await serving();
    await release(cluster);
    cluster.discord.faults.refuseConnections();
    await takeBack(cluster);
    expect(cluster.states()).not.toContain('ready');
    cluster.discord.faults.refuseConnections(0);
    cluster.say('after');
    await hears(cluster, 'before', 'after');
  });
});

describe('a stop after a release', () => {
  it('leaves the successor alone', async () => {
    const cluster = await serving();
    const released = await release(cluster);
    const successor = await OneCluster.serving({ after: cluster, answers: { acquireShards: () => released } });
    await cluster.worker.stop();
    await until(() => expect(cluster.master.order.at(-1)).toBe('@stopped'));
    successor.say('after');
    await hears(successor, 'after');
    await successor.worker.stop();
    // What the successor wrote is what the next one reads.
    const next = await OneCluster.serving({ after: successor });
    next.say('later');
    await hears(next, 'later');
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 4, violations: 0, overlaps: 0 });
  });

  it('while the bot saves its state does not connect again, whatever becomes of that', async () => {
    for (const fails of [true, false]) {
      const pause = gate();
      const cluster = await serving({
        saveState: async () => {
          await pause.opened;
          if (fails) throw new Error('a bug of the bot');
        },
      });
      const released = release(cluster).then(
        () => 'released',
        ({ code }) => code,
      );
      await until(() => expect(connectionsOpen(cluster)).toBe(0));
      await cluster.worker.stop();
      pause.open();
      // The master has told it to stop, so it does not wait for this reply any more.
      expect(await released).toBe('WORKER_EXITED');
      cluster.say('meanwhile');
      const next = await OneCluster.serving({ after: cluster });
      await hears(next, 'meanwhile');
      // Two of each process.
      expect(cluster.discord.account.connections).toHaveLength(4);
      expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, violations: 0, overlaps: 0 });
    }
  });
});

describe('a master that is lost', () => {
  it('before the cluster is ready ends it', async () => {
    const cluster = await OneCluster.create({ answers: { acquireShards: () => new Promise(() => undefined) } });
    const start = cluster.worker.start();
    await until(() => expect(cluster.master.said).toContain('acquireShards'));
    await cluster.master.die();
    await expect(start).rejects.toMatchObject({ code: 'WORKER_EXITED' });
    await until(() => expect(cluster.adapter?.stops).toBe(1));
    expect(warnings(cluster)).toEqual(['the master is gone, stopping']);
    expect(cluster.discord.account.connections).toEqual([]);
  });

  it('is waited for while the cluster serves, and a new one is told what there is', async () => {
    const cluster = await serving();
    await cluster.master.die();
    cluster.say('without a master');
    await until(() => expect(cluster.adapter?.heard).toEqual(['before', 'without a master']));
    const master = await cluster.newMaster();
    await until(() => expect(cluster.states()).toEqual(['ready', 'ready']));
    expect(master.hello).toMatchObject({ ready: true });
    expect(await master.request('getStats', undefined)).toMatchObject({ clusterId: 0, shards: [{}, {}] });
    // It serves the new master as the old one: a handover, for example.
    expect(await release(cluster)).toMatchObject({ sessions: [{}, {}] });
    expect(cluster.discord.account.connections).toHaveLength(2);
  });

  it('is waited for again when the new one is lost too', async () => {
    const cluster = await serving();
    for (let masters = 0; masters < 2; masters++) {
      await cluster.master.die();
      await cluster.newMaster();
      await until(() => expect(cluster.states()).toEqual(['ready', 'ready']));
    }
    cluster.say('after');
    await until(() => expect(cluster.adapter?.heard).toEqual(['before', 'after']));
  });

  it('and does not come back in time ends the cluster, with its sessions kept', async () => {
    const cluster = await serving({ assignment: { orphanGraceMs: 300 } });
    await cluster.master.die();
    cluster.say('without a master');
    await until(() => expect(cluster.adapter?.stops).toBe(1));
    expect(cluster.adapter?.heard).toEqual(['before', 'without a master']);
    expect(warnings(cluster)).toEqual([
      'the master is gone; serving on, and looking for a new one',
      'the master is gone, stopping',
    ]);
    await cluster.worker.stop();
    cluster.say('meanwhile');
    const next = await OneCluster.serving({ after: cluster });
    await hears(next, 'meanwhile');
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2, violations: 0, overlaps: 0 });
  });

  it('ends a cluster at once that has let go of its shards', async () => {
    const cluster = await serving();
    await release(cluster);
    await cluster.master.die();
    await until(() => expect(cluster.adapter?.stops).toBe(1));
    expect(warnings(cluster)).toEqual(['the master is gone, stopping']);
  });

  it('does not end a cluster that has taken its shards back', async () => {
    const cluster = await serving();
    await release(cluster);
    await takeBack(cluster);
    await until(() => expect(cluster.states()).toEqual(['ready', 'ready']));
    await cluster.master.die();
    cluster.say('without a master');
    await until(() => expect(cluster.adapter?.heard).toEqual(['before', 'without a master']));
    await cluster.newMaster();
    await until(() => expect(cluster.states()).toEqual(['ready', 'ready']));
  });

  it('is not waited for any more by a cluster that is told to stop meanwhile', async () => {
    const cluster = await serving();
    await cluster.master.die();
    await until(() => expect(warnings(cluster)).toHaveLength(1));
    await cluster.worker.stop();
    const master = await cluster.newMaster();
    cluster.say('meanwhile');
    const next = await OneCluster.serving({ after: cluster });
    await hears(next, 'meanwhile');
    expect(master.hello).toBeUndefined();
    expect(warnings(cluster)).toEqual(['the master is gone; serving on, and looking for a new one']);
    expect(cluster.adapter?.stops).toBe(1);
  });

  it('while the cluster stops changes nothing about the stop, but that nobody else would end what hangs', async () => {
    const [begun, pause] = [gate(), gate()];
    const run = (): Promise<void> => {
      begun.open();
      return pause.opened;
    };
    const definition = { name: 'slow', description: 'Takes its time.' };
    const cluster = await serving({ commands: () => [defineCommand({ definition, run })] });
    cluster.discord.runCommand({ name: 'slow', guildId: cluster.discord.guildIds[0] ?? '' });
    await begun.opened;
    const stop = cluster.worker.stop();
    await cluster.master.die();
    await until(() => expect(warnings(cluster)).toEqual(['the master is gone, stopping']));
    expect(cluster.worker.processEnds).toBe(0);
    pause.open();
    await stop;
    await until(() => expect(cluster.worker.processEnds).toBe(1));
  });
});
