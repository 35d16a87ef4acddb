import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/processes.js';
import { CLUSTERS, type Soak } from './Soak.js';

export interface Step {
  readonly name: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** @returns what was chosen, for the list of steps. */
  run(soak: Soak): Promise<string>;
}

/** What ends a process or a connection. Each step resolves when the bot is whole again. */
export const STEPS: readonly Step[] = [
  {
    name: 'restart of all',
    weight: 3,
    run: async (soak) => mustBe(await soak.restart(), /^Restarted 4 of 4/),
  },
  {
    name: 'restart of one',
    weight: 3,
    run: async (soak) => {
      const cluster = soak.someCluster();
      mustBe(await soak.restart(cluster), /^Restarted 1 of 1/);
      return `cluster ${cluster}`;
    },
  },
  {
    name: 'stop and start',
    weight: 2,
    run: async (soak) => {
      const pauseMs = soak.random.pick([0, 0, 500, 5_000]);
      await soak.stop();
      await sleep(pauseMs);
      await soak.start();
      return `${pauseMs} ms between`;
    },
  },
  {
    name: 'stop in the middle of a restart, and start',
    weight: 1,
    run: async (soak) => {
      const waitMs = soak.random.below(1_500);
      const { entry } = soak.askForRestart();
      await until(() => entry.acknowledgedAt !== null);
      await sleep(waitMs);
      await soak.stop();
      await soak.start();
      return `after ${waitMs} ms`;
    },
  },
  {
    name: 'kill -9 of a cluster',
    weight: 2,
    run: async (soak) => {
      const victims = soak.victims(1);
      await soak.killAndWait(victims);
      return `cluster ${victims}`;
    },
  },
  {
    name: 'kill -9 of two clusters at once',
    weight: 1,
    run: async (soak) => {
      const victims = soak.victims(2);
      await soak.killAndWait(victims);
      return `clusters ${victims}`;
    },
  },
  {
    name: 'kill -9 of a cluster in the middle of a restart',
    weight: 1,
    run: async (soak) => {
      const [victim = 0] = soak.victims(1);
      const waitMs = soak.random.below(1_500);
      const restarting = soak.restart();
      await sleep(waitMs);
      soak.kill([victim]);
      const text = await restarting;
      await until(() => soak.bot.clusterPids().size === CLUSTERS);
      return `cluster ${victim} after ${waitMs} ms: ${text.split('\n', 1)[0]}`;
    },
  },
  {
    name: 'kill -9 of a cluster while the gateway is out of reach',
    weight: 1,
    run: async (soak) => {
      const victims = soak.victims(1);
      const outageMs = 500 + soak.random.below(2_500);
      soak.discord.faults.refuseConnections(outageMs);
      await soak.killAndWait(victims);
      return `cluster ${victims}, ${outageMs} ms`;
    },
  },
  {
    name: 'kill -9 of the master, and start at once',
    weight: 1,
    run: async (soak) => {
      soak.kills.push(Date.now());
      soak.bot.signal('SIGKILL');
      await soak.bot.ended();
      await soak.start();
      return '';
    },
  },
  {
    name: 'dropped sockets',
    weight: 3,
    run: async (soak) => {
      const shards = soak.random.pair([0, 1, 2, 3, 4, 5, 6, 7]);
      const how = soak.random.pick([{ terminate: true }, { code: 4000 }, { code: 1000 }, { code: 1001 }]);
      for (const shardId of shards) {
        await soak.reconnected(shardId, () => soak.discord.faults.dropSocket(shardId, how));
      }
      return `shards ${shards}, ${JSON.stringify(how)}`;
    },
  },
  {
    name: 'op 7',
    weight: 2,
    run: async (soak) => {
      const shardId = soak.someShard();
      await soak.reconnected(shardId, () => soak.discord.faults.requestReconnect(shardId));
      return `shard ${shardId}`;
    },
  },
  {
    name: 'op 9 d:true',
    weight: 2,
    run: async (soak) => {
      const shardId = soak.someShard();
      await soak.reconnected(shardId, () => soak.discord.faults.invalidateSession(shardId, { resumable: true }));
      return `shard ${shardId}`;
    },
  },
  {
    name: 'op 9 d:true to a RESUME',
    weight: 1,
    run: async (soak) => {
      const shardId = soak.someShard();
      soak.discord.faults.refuseResume(shardId, { resumable: true, times: 1 });
      await soak.reconnected(shardId, () => soak.discord.faults.dropSocket(shardId, { terminate: true }));
      return `shard ${shardId}`;
    },
  },
  {
    name: 'op 9 d:false',
    weight: 1,
    run: (soak) =>
      withoutLoad(soak, async (shardId) => {
        await soak.reconnected(shardId, () => soak.discord.faults.invalidateSession(shardId));
      }),
  },
  {
    name: 'op 9 d:false to a RESUME',
    weight: 1,
    run: (soak) =>
      withoutLoad(soak, async (shardId) => {
        soak.discord.faults.refuseResume(shardId);
        await soak.reconnected(shardId, () => soak.discord.faults.dropSocket(shardId, { terminate: true }));
      }),
  },
  {
    name: 'op 9 d:false to the RESUME of a restart',
    weight: 1,
    run: (soak) =>
      withoutLoad(soak, async (shardId) => {
        soak.discord.faults.refuseResume(shardId);
        mustBe(await soak.restart(Math.floor((shardId * CLUSTERS) / 8)), /1 IDENTIFYs/);
      }),
  },
];

/** Sends nothing meanwhile, because what goes to a shard without a session is lost at Discord too. */
async function withoutLoad(soak: Soak, act: (shardId: number) => Promise<void>): Promise<string> {
  const shardId = soak.someShard();
  await soak.quiet();
  soak.identifies++;
  await act(shardId);
  soak.resumeLoad();
  return `shard ${shardId}`;
}

function mustBe(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new Error(`the restart ended otherwise than with ${pattern}: ${text}`);
  return '';
}
