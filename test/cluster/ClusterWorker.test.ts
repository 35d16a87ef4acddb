import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cluster/commands/Command.js';
import { KallistiError } from '../../src/core/errors.js';
import { until } from './gateway/support.js';
import { gate, NEVER, OneCluster, type OneClusterOptions } from './OneCluster.js';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('resolved'),
    (error: unknown) => error,
  );

const RELEASED = { sessions: [], releasedAt: 1, state: { games: 3 } };

describe('the start of a cluster', () => {
  it('prepares, then takes its shards over, then connects, then is ready', async () => {
    const seenAtTakeOver: unknown[] = [];
    const cluster = await OneCluster.create({
      answers: {
        acquireShards: () => {
          const { dataDir } = cluster.assignment;
          seenAtTakeOver.push(existsSync(join(dataDir, 'shards', '1')), cluster.discord.account.connections.length);
          return null;
        },
      },
    });
    await cluster.worker.start();
    await until(() => expect(cluster.master.order).toContain('ready'));
    expect(cluster.master.order).toEqual(['getAssignment', 'setUp', 'acquireShards', 'shardsArrived', 'ready']);
    expect(seenAtTakeOver).toEqual([true, 0]);
    expect(cluster.states()).toEqual(['ready', 'ready']);
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, connectionsOpen: 2, violations: 0 });
    await until(() => expect(cluster.master.slotsOut).toBe(0));
  });

  it('gives the bot its state before the first connection', async () => {
    const given: unknown[] = [];
    const cluster = await OneCluster.create({
      answers: { acquireShards: () => RELEASED },
      restoreState: (state) => void given.push(state, cluster.discord.account.connections.length),
    });
    await cluster.worker.start();
    await until(() => expect(cluster.master.order).toContain('ready'));
    expect(cluster.master.order).toEqual([
      ...['getAssignment', 'setUp', 'acquireShards', 'restoreState', 'shardsArrived', 'ready'],
    ]);
    expect(given).toEqual([{ games: 3 }, 0]);
  });

  const refuse = (): never => {
    throw new KallistiError('NOT_RUNNING', 'the master stops');
  };
  const fail = async (): Promise<never> => {
    throw new Error('no database');
  };

  it.each<[what: string, options: OneClusterOptions, order: string[], error: object]>([
    ['the master refuses the assignment', { answers: { getAssignment: refuse } }, [], { code: 'NOT_RUNNING' }],
    ['no client can be made', { beforeClient: fail }, [], { message: 'no database' }],
    ["the bot's own setUp throws", { setUp: fail }, ['setUp'], { message: 'no database' }],
    [
      'the master refuses the shards',
      { answers: { acquireShards: refuse } },
      ['setUp', 'acquireShards'],
      { code: 'NOT_RUNNING' },
    ],
    [
      'the state of the predecessor cannot be restored',
      { answers: { acquireShards: () => RELEASED }, restoreState: fail },
      ['setUp', 'acquireShards', 'restoreState'],
      { code: 'HANDOVER_FAILED', message: 'restoreState threw: no database' },
    ],
  ])('fails without any connection to Discord where %s', async (_what, options, order, error) => {
    const cluster = await OneCluster.create(options);
    expect(await failure(cluster.worker.start())).toMatchObject(error);
    await cluster.worker.fail(new Error('as the entry point does'));
    await until(() => expect(cluster.master.order).toContain('@failed'));
    expect(cluster.master.order).toEqual(['getAssignment', ...order, '@failed']);
    expect(cluster.discord.account.connections).toEqual([]);
  });

  it('fails where Discord refuses the bot, and leaves no connection', async () => {
    const cluster = await OneCluster.create();
    cluster.discord.faults.closeOnIdentify(4014, { times: 2 });
    expect(await failure(cluster.worker.start())).toMatchObject({ code: 'DISCORD_REFUSED', closeCode: 4014 });
    await until(() => expect(cluster.discord.account.summary().connectionsOpen).toBe(0));
    expect(cluster.master.order).toEqual(['getAssignment', 'setUp', 'acquireShards']);
    await until(() => expect(cluster.master.slotsOut).toBe(0));
  });

  it('leaves one shard alone that is in too many guilds, and is ready with the others', async () => {
    const cluster = await OneCluster.create();
    cluster.discord.faults.closeOnIdentify(4011, { shardId: 1 });
    await cluster.worker.start();
    await until(() => expect(cluster.master.order).toContain('ready'));
    expect(cluster.states()).toEqual(['ready', 'failed']);
  });
});

describe('a stop', () => {
  /** Each phase of a start: what holds it there, and how a test sees that it is there. */
  const PHASES: Readonly<
    Record<string, (pause: ReturnType<typeof gate>) => OneClusterOptions & { at?: string; readyDelay?: true }>
  > = {
    'it waits for its assignment': () => ({ answers: { getAssignment: NEVER }, at: 'getAssignment' }),
    'its client is being made': ({ opened }) => ({ beforeClient: () => opened, at: 'getAssignment' }),
    "the bot's own setUp runs": ({ opened }) => ({ setUp: () => opened, at: 'setUp' }),
    'it waits for its shards': () => ({ answers: { acquireShards: NEVER }, at: 'acquireShards' }),
    "the bot's state is being restored": ({ opened }) => ({
      ...{ answers: { acquireShards: () => RELEASED }, restoreState: () => opened, at: 'restoreState' },
    }),
    'it waits for a slot': () => ({ answers: { acquireSlot: NEVER }, at: 'acquireSlot' }),
    'it waits for READY': () => ({ at: 'IDENTIFY', readyDelay: true }),
  };

  it.each(Object.entries(PHASES))('ends the start in order while %s', async (_phase, holding) => {
    const pause = gate();
    const { at = '', readyDelay, ...options } = holding(pause);
    const cluster = await OneCluster.create(options);
    const { account, faults } = cluster.discord;
    if (readyDelay) faults.delayReady(600_000);
    const start = failure(cluster.worker.start());
    await until(() =>
      at === 'IDENTIFY' ? expect(account.identifies).toHaveLength(2) : expect(cluster.master.said).toContain(at),
    );
    const before = cluster.master.order;
    const shards = join(cluster.assignment.dataDir, 'shards');
    const storeWasOpen = existsSync(shards);
    await cluster.worker.stop();
    pause.open();
    expect(await start).toBeInstanceOf(Error);
    await until(() => expect(cluster.master.isConnected).toBe(false));
    // Nothing begins after the stop: no code of the bot, and no look into the store, which would count as a death of reading it.
    expect(cluster.master.order).toEqual([...before, '@stopped']);
    expect(existsSync(shards)).toBe(storeWasOpen);
    await until(() => expect(account.summary().connectionsOpen).toBe(0));
    expect(cluster.worker.log.warnings()).toEqual([]);
    expect(cluster.worker.processEnds).toBe(0);

    faults.delayReady(0);
    const next = await OneCluster.serving({ after: cluster });
    expect(next.worker.log.warnings()).toEqual([]);
    await until(() => expect(next.states()).toEqual(['ready', 'ready']));
  });

  it('before the start needs no master', async () => {
    const cluster = await OneCluster.create();
    await cluster.worker.stop();
    expect(cluster.master.hello).toBeUndefined();
  });

  it('of one that serves keeps its sessions: the next process resumes them, with what it missed', async () => {
    const cluster = await OneCluster.serving();
    cluster.say('before');
    await until(() => expect(cluster.adapter?.heard).toEqual(['before']));
    await cluster.worker.stop();
    cluster.say('meanwhile');
    const next = await OneCluster.serving({ after: cluster });
    await until(() => expect(next.adapter?.heard).toEqual(['meanwhile']));
    expect(cluster.adapter?.heard).toEqual(['before']);
    expect(cluster.master.order.at(-1)).toBe('@stopped');
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2, violations: 0, overlaps: 0 });
  });

  it('is one, however often it is asked for', async () => {
    const cluster = await OneCluster.serving();
    cluster.master.tellToStop();
    const first = cluster.worker.stop();
    expect(cluster.worker.stop()).toBe(first);
    await first;
    await cluster.worker.stop();
    await until(() => expect(cluster.master.isConnected).toBe(false));
    expect(cluster.master.order.filter((name) => name === '@stopped')).toHaveLength(1);
    expect(cluster.adapter?.stops).toBe(1);
  });

  /** A command that begins, and ends when `pause` is open. */
  const slow = (begun: string[], pause: ReturnType<typeof gate>) => () => [
    defineCommand({
      definition: { name: 'slow', description: 'Takes its time.' },
      async run(invocation) {
        begun.push(invocation.userId);
        await pause.opened;
        await invocation.reply('done');
      },
    }),
  ];

  it('lets a command finish that runs', async () => {
    const [begun, pause]: [string[], ReturnType<typeof gate>] = [[], gate()];
    const cluster = await OneCluster.serving({ commands: slow(begun, pause) });
    const command = cluster.discord.runCommand({ name: 'slow', guildId: cluster.discord.guildIds[0] ?? '' });
    await until(() => expect(begun).toHaveLength(1));
    const stop = cluster.worker.stop();
    await until(() => expect(cluster.discord.account.summary().connectionsOpen).toBe(0));
    expect(cluster.master.isConnected).toBe(true);
    pause.open();
    await stop;
    expect(await command.answered).toMatchObject({ content: 'done' });
    expect(cluster.worker.log.warnings()).toEqual([]);
  });

  it('waits no longer than it may for one that hangs, and the next process runs it again', async () => {
    const begun: string[] = [];
    const assignment = { drainTimeoutMs: 550 };
    const cluster = await OneCluster.serving({ commands: slow(begun, gate()), assignment });
    const command = cluster.discord.runCommand({ name: 'slow', guildId: cluster.discord.guildIds[0] ?? '' });
    await until(() => expect(begun).toHaveLength(1));
    await cluster.worker.stop();
    expect(cluster.worker.log.warnings()).toEqual([
      'stopped while work on events was still going on: the next process does it again',
    ]);
    const pause = gate();
    pause.open();
    await OneCluster.serving({ after: cluster, commands: slow(begun, pause) });
    expect(await command.answered).toMatchObject({ content: 'done' });
    expect(begun).toHaveLength(2);
  });

  it('has what the end of the client cuts off run again, though that ends it with an error here', async () => {
    let cutOff = (): void => {};
    const cut = new Promise<never>((_resolve, reject) => {
      cutOff = () => reject(new Error('the client was stopped'));
    });
    const begun: string[] = [];
    const assignment = { drainTimeoutMs: 550 };
    const cluster = await OneCluster.serving({
      commands: slow(begun, { opened: cut, open: () => undefined }),
      assignment,
    });
    if (cluster.adapter === undefined) throw new Error('no client was made');
    cluster.adapter.onStop = async () => {
      cutOff();
      // Here the user still hears of it, which takes a moment.
      await command.answered;
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const command = cluster.discord.runCommand({ name: 'slow', guildId: cluster.discord.guildIds[0] ?? '' });
    await until(() => expect(begun).toHaveLength(1));
    await cluster.worker.stop();
    const pause = gate();
    pause.open();
    await OneCluster.serving({ after: cluster, commands: slow(begun, pause) });
    await until(() => expect(begun).toHaveLength(2));
  });

  it('that fails ends the process all the same, and the sessions are in the files by then', async () => {
    const cluster = await OneCluster.serving();
    if (cluster.adapter === undefined) throw new Error('no client was made');
    cluster.adapter.onStop = async () => {
      throw new Error('the library cannot stop');
    };
    cluster.master.tellToStop();
    await until(() => expect(cluster.worker.processEnds).toBe(1));
    expect(cluster.worker.log.warnings()).toEqual(['stopping failed']);
    // Without its master too, once. The stop cannot be tried again.
    await cluster.master.die();
    await until(() => expect(cluster.worker.processEnds).toBe(2));
    await OneCluster.serving({ after: cluster });
    expect(cluster.worker.processEnds).toBe(2);
    expect(cluster.discord.account.summary()).toMatchObject({ identifies: 2, resumes: 2 });
  });
});
