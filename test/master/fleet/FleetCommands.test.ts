import { describe, expect, it } from 'vitest';
import type { RestartRequest } from '../../../src/core/contracts/ClusterContract.js';
import { shardIdOfGuild } from '../../../src/core/discord/shardRanges.js';
import { WorkerNotFoundError } from '../../../src/core/errors.js';
import type { RequestOptions } from '../../../src/core/ipc/contract.js';
import type { SettledReply } from '../../../src/core/worker/WorkerPool.js';
import { type AskedClusters, FleetCommands } from '../../../src/master/fleet/FleetCommands.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { rejection } from '../../support/processes.js';

const ID = '41771983423143937';
const HANGS = new Error('no reply within 10 s');

/** By cluster id what a cluster replies to anything; an Error is a failure, and a cluster that is left out does not run. */
type Replies = Readonly<Record<number, unknown>>;

/** The commands of a fleet of three clusters with six shards. */
function setUp(replies: Replies = { 0: null, 1: null, 2: null }) {
  const log = memoryLogger();
  const asked: { clusterId: number; name: string; data: unknown; timeoutMs: number | undefined }[] = [];
  const ask = async (clusterId: number, name: string, data: unknown, options?: RequestOptions): Promise<unknown> => {
    asked.push({ clusterId, name, data, timeoutMs: options?.timeoutMs });
    const reply = replies[clusterId];
    if (reply instanceof Error) throw reply;
    return reply;
  };
  const get = (clusterId: number) => {
    if (!(clusterId in replies)) throw new WorkerNotFoundError('cluster', clusterId, 'is not running');
    return {
      request: <Reply>(name: string, data: unknown, options?: RequestOptions) =>
        ask(clusterId, name, data, options) as Promise<Reply>,
    };
  };
  const requestAll = (name: string, data: unknown, options?: RequestOptions): Promise<SettledReply<never>[]> =>
    Promise.all(
      Object.keys(replies).map((key) =>
        ask(Number(key), name, data, options).then(
          (value) => ({ workerId: Number(key), status: 'fulfilled', value: value as never }) as const,
          (reason: unknown) => ({ workerId: Number(key), status: 'rejected', reason }) as const,
        ),
      ),
    );
  const clusters: AskedClusters = {
    shardCount: 6,
    workerCount: 3,
    get,
    getForGuild: (guildId) => get(Math.floor(shardIdOfGuild(guildId, 6) / 2)),
    requestAll,
  };
  const restarts: RestartRequest[] = [];
  const commands = new FleetCommands({
    clusters,
    restart: {
      begin: (request) => {
        restarts.push(request);
        return { id: 'a', clusterIds: request.clusterIds ?? [0, 1, 2] };
      },
    },
    queue: { state: () => ({ remaining: 900 }) as never },
    evaluateInMaster: async (code) => ({ target: 'master', ok: true, output: code }),
    logger: log.logger,
  });
  const askedIds = (): number[] => asked.map(({ clusterId }) => clusterId);
  return { log, commands, asked, askedIds, restarts };
}

describe('finding a guild', () => {
  const home = Math.floor(shardIdOfGuild(ID, 6) / 2);

  it('asks the one cluster that would have it, and believes it', async () => {
    const found = setUp({ 0: home === 0 ? 'it' : null, 1: home === 1 ? 'it' : null, 2: home === 2 ? 'it' : null });
    expect(await found.commands.findGuild(ID)).toBe('it');
    expect(found.asked).toMatchObject([{ clusterId: home, name: 'findGuild', data: { guildId: ID } }]);
    expect(await setUp().commands.findGuild(ID)).toBeNull();
  });

  it('fails where that cluster is down, and asks no other', async () => {
    const { commands, asked } = setUp({});
    expect(await rejection(commands.findGuild(ID))).toMatchObject({ code: 'WORKER_NOT_FOUND' });
    expect(asked).toEqual([]);
  });
});

describe.each(['findUser', 'findChannel'] as const)('%s', (verb) => {
  const find = (replies: Replies): Promise<unknown> => setUp(replies).commands[verb](ID);

  it('takes the first thing that any cluster found, though others fail or are down', async () => {
    expect(await find({ 0: null, 1: 'it', 2: 'it too' })).toBe('it');
    expect(await find({ 0: HANGS, 1: 'it' })).toBe('it');
  });

  it('finds nothing only where every cluster has looked', async () => {
    expect(await find({ 0: null, 1: null, 2: null })).toBeNull();
  });

  it('fails where nobody found it and one could not look', async () => {
    expect(await rejection(find({ 0: null, 1: HANGS, 2: null }))).toBe(HANGS);
    expect(await rejection(find({ 0: null, 2: null }))).toMatchObject({
      code: 'WORKER_NOT_FOUND',
      message: 'cluster 1 is not running, so it could not be asked',
    });
  });
});

it.each(['findGuild', 'findUser', 'findChannel'] as const)('%s asks nobody for an id that is none', async (verb) => {
  const { commands, asked } = setUp();
  for (const id of ['', 'abc', '12 or 1=1', '-5']) {
    expect(await rejection(commands[verb](id))).toMatchObject({ code: 'INVALID_REQUEST' });
  }
  expect(asked).toEqual([]);
});

describe('an eval', () => {
  it('runs in the master, without a cluster', async () => {
    const { commands, asked } = setUp();
    expect(await commands.evaluate('1', 'master')).toEqual([{ target: 'master', ok: true, output: '1' }]);
    expect(asked).toEqual([]);
  });

  it('runs on one cluster, and fails as that does', async () => {
    const { commands, asked } = setUp({ 1: 'result', 2: HANGS });
    expect(await commands.evaluate('1', { clusterId: 1 })).toEqual(['result']);
    expect(asked).toMatchObject([{ clusterId: 1, name: 'evaluate', data: { code: '1' } }]);
    expect(await rejection(commands.evaluate('1', { clusterId: 2 }))).toBe(HANGS);
    expect(await rejection(commands.evaluate('1', { clusterId: 0 }))).toMatchObject({ code: 'WORKER_NOT_FOUND' });
    for (const clusterId of [-1, 3]) {
      expect(await rejection(commands.evaluate('1', { clusterId }))).toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('runs on all, and has a result also for those that cannot be asked', async () => {
    const { commands } = setUp({ 0: 'result', 2: HANGS });
    expect(await commands.evaluate('1', 'all')).toEqual([
      'result',
      { target: 'cluster 1', ok: false, output: 'is not running' },
      { target: 'cluster 2', ok: false, output: HANGS.message },
    ]);
  });
});

describe('a restart', () => {
  it('begins with what was asked for', () => {
    const { commands, restarts } = setUp();
    const request = { clusterIds: [2, 0], requestedBy: 'a test' };
    expect(commands.restart(request)).toEqual({ id: 'a', clusterIds: [2, 0] });
    commands.restart({ requestedBy: 'a test' });
    expect(restarts).toEqual([request, { requestedBy: 'a test' }]);
  });

  it('of a cluster that does not exist does not', () => {
    const { commands, restarts } = setUp();
    for (const id of [-1, 3]) {
      const begin = (): unknown => commands.restart({ clusterIds: [0, id], requestedBy: 'a test' });
      expect(begin).toThrow(`cluster ${id} does not exist: ids run from 0 to 2`);
    }
    expect(restarts).toEqual([]);
  });
});

describe('a log level', () => {
  it('of all is that of the master too', async () => {
    const { commands, asked, log } = setUp({ 0: undefined, 2: undefined });
    expect(await commands.setLogLevel('warn')).toEqual([0, 2]);
    expect(asked).toMatchObject([0, 2].map((clusterId) => ({ clusterId, data: { level: 'warn' } })));
    expect(log.logger.level).toBe('warn');
  });

  it('of one cluster leaves the others and the master as they are', async () => {
    const { commands, askedIds, log } = setUp({ 1: undefined });
    expect(await commands.setLogLevel('trace', 1)).toEqual([1]);
    expect(askedIds()).toEqual([1]);
    expect(log.logger.level).toBe('debug');
  });

  it('that could not be set everywhere is a failure', async () => {
    const { commands } = setUp({ 0: undefined, 1: HANGS });
    expect(await rejection(commands.setLogLevel('warn'))).toBe(HANGS);
    expect(await rejection(commands.setLogLevel('warn', 1))).toBe(HANGS);
    expect(await rejection(commands.setLogLevel('warn', 3))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('how the fleet is', () => {
  it('has a line for each cluster, also for one that is down or does not answer in 1.2 s', async () => {
    const { commands, asked } = setUp({ 0: { clusterId: 0 }, 2: HANGS });
    expect(await commands.stats()).toMatchObject({
      shardCount: 6,
      masterPid: process.pid,
      identifiesRemaining: 900,
      clusters: [{ clusterId: 0 }, { clusterId: 1, error: 'is not running' }, { clusterId: 2, error: HANGS.message }],
    });
    expect(asked.map(({ name, timeoutMs }) => [name, timeoutMs])).toEqual([
      ['getStats', 1_200],
      ['getStats', 1_200],
    ]);
  });
});
