import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disk } from './Disk.js';
import { SHARDS, type Soak } from './Soak.js';

/** What a blow may strike besides the bot and its Discord. */
export interface Surroundings {
  /** Undefined where no file system can be mounted. */
  readonly disk: Disk | undefined;
  /** Holds how far off the wall clock of the bot's processes is, in milliseconds. */
  readonly clockFile: string;
}

export interface Blow {
  readonly name: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** Whether it comes alone, because it ends sessions and nothing may be sent meanwhile. */
  readonly alone?: boolean;
  /**
   * Chooses everything random at once, so that a seed always chooses the same.
   * @returns what was chosen, and what to do. `run` resolves when the harm is done, not when it is mended.
   */
  choose(soak: Soak, around: Surroundings): { readonly details: string; run(): Promise<void> };
}

/** An administrator, NTP, or a host that resumes a virtual machine may set the clock. */
const CLOCK_JUMPS_MS = [-3_600_000, -60_000, -2_000, 0, 2_000, 60_000, 3_600_000];

export const BLOWS: readonly Blow[] = [
  {
    name: 'kill -9 of a cluster',
    weight: 3,
    choose: (soak) => {
      const victims = soak.victims(1);
      return { details: `cluster ${victims}`, run: async () => tryKill(() => soak.kill(victims)) };
    },
  },
  {
    name: 'kill -9 of two clusters',
    weight: 1,
    choose: (soak) => {
      const victims = soak.victims(2);
      return { details: `clusters ${victims}`, run: async () => tryKill(() => soak.kill(victims)) };
    },
  },
  {
    name: 'kill -9 of the master',
    weight: 2,
    choose: (soak) => {
      const pauseMs = soak.random.below(2_000);
      return {
        details: `started again after ${pauseMs} ms`,
        run: async () => {
          soak.noteKill();
          soak.bot.signal('SIGKILL');
          await soak.bot.ended();
          await sleep(pauseMs);
          const from = soak.bot.lines.length;
          soak.bot.start();
          await soak.bot.untilLogged(/^ready: all/, from);
        },
      };
    },
  },
  {
    name: 'SIGSTOP and SIGCONT of a cluster',
    weight: 2,
    choose: (soak) => {
      const cluster = soak.someCluster();
      const stoppedMs = 300 + soak.random.below(7_000);
      return {
        details: `cluster ${cluster} for ${stoppedMs} ms`,
        run: () => pause(soak, () => soak.bot.clusterPids().get(cluster) ?? 0, stoppedMs),
      };
    },
  },
  {
    name: 'SIGSTOP and SIGCONT of the master',
    weight: 1,
    choose: (soak) => {
      const stoppedMs = 300 + soak.random.below(5_000);
      return { details: `${stoppedMs} ms`, run: () => pause(soak, () => soak.bot.pid, stoppedMs) };
    },
  },
  {
    name: 'an event loop that hangs',
    weight: 2,
    choose: (soak) => {
      const shardId = soak.someShard();
      const ms = 500 + soak.random.below(8_000);
      return {
        details: `of shard ${shardId} for ${ms} ms`,
        run: async () => {
          soak.hang(shardId, ms);
          // When exactly it hangs, and whether it is killed for it, only the bot knows.
          const hanging = setInterval(() => soak.noteKill(), 250);
          await sleep(ms + 2_000);
          clearInterval(hanging);
        },
      };
    },
  },
  {
    name: 'dropped sockets',
    weight: 3,
    choose: (soak) => {
      const shards = soak.random.pair(Array.from({ length: SHARDS }, (_, id) => id));
      const how = soak.random.pick([{ terminate: true }, { code: 4000 }, { code: 1000 }, { code: 1001 }]);
      return {
        details: `shards ${shards}, ${JSON.stringify(how)}`,
        run: async () => {
          for (const shardId of shards) soak.discord.faults.dropSocket(shardId, how);
        },
      };
    },
  },
  {
    name: 'op 9 d:true to a RESUME',
    weight: 2,
    choose: (soak) => {
      const shardId = soak.someShard();
      return {
        details: `shard ${shardId}`,
        run: async () => {
          soak.discord.faults.refuseResume(shardId, { resumable: true, times: 1 });
          soak.discord.faults.dropSocket(shardId, { terminate: true });
        },
      };
    },
  },
  {
    name: 'a gateway out of reach',
    weight: 2,
    choose: (soak) => {
      const outageMs = 200 + soak.random.below(3_000);
      const shardId = soak.someShard();
      return {
        details: `${outageMs} ms, shard ${shardId} dropped`,
        run: async () => {
          soak.discord.faults.refuseConnections(outageMs);
          soak.discord.faults.dropSocket(shardId, { terminate: true });
          await sleep(outageMs);
        },
      };
    },
  },
  {
    name: 'a deaf shard',
    weight: 1,
    choose: (soak) => {
      const shardId = soak.someShard();
      return { details: `shard ${shardId}`, run: async () => void soak.discord.faults.goSilent(shardId) };
    },
  },
  {
    name: 'REST is slow, and answers 502',
    weight: 2,
    choose: (soak) => {
      const delayMs = 200 + soak.random.below(2_000);
      const times = 5 + soak.random.below(20);
      return {
        details: `${times} requests by ${delayMs} ms, 2 with 502`,
        run: async () => {
          soak.discord.faults.slowRest({ delayMs, times });
          soak.discord.faults.failRest({ status: 502, times: 2 });
        },
      };
    },
  },
  {
    name: 'the wall clock jumps',
    weight: 2,
    choose: (soak, { clockFile }) => {
      const offsetMs = soak.random.pick(CLOCK_JUMPS_MS);
      return { details: `${offsetMs} ms off`, run: async () => writeFileSync(clockFile, String(offsetMs)) };
    },
  },
  {
    name: 'a rolling restart',
    weight: 2,
    choose: (soak) => {
      const one = soak.someCluster();
      const cluster = soak.random.below(2) === 0 ? undefined : one;
      return {
        details: cluster === undefined ? 'of all' : `of cluster ${cluster}`,
        run: async () => void soak.askForRestart(cluster),
      };
    },
  },
  {
    name: 'op 9 d:false to a RESUME',
    weight: 1,
    alone: true,
    choose: (soak) => {
      const shardId = soak.someShard();
      return {
        details: `shard ${shardId}`,
        run: async () => {
          await soak.quiet();
          soak.identifies++;
          soak.discord.faults.refuseResume(shardId);
          await soak.reconnected(shardId, () => soak.discord.faults.dropSocket(shardId, { terminate: true }));
          soak.resumeLoad();
        },
      };
    },
  },
  {
    name: 'REST answers nothing but 503, and a cluster is killed',
    weight: 1,
    alone: true,
    choose: (soak) => {
      const victims = soak.victims(1);
      const outageMs = 500 + soak.random.below(3_000);
      return {
        details: `${outageMs} ms, cluster ${victims}`,
        run: async () => {
          await soak.quiet();
          soak.discord.faults.failRest({ status: 503 });
          await Promise.all([soak.killAndWait(victims), sleep(outageMs)]);
          soak.discord.faults.clear();
          soak.resumeLoad();
        },
      };
    },
  },
  {
    name: 'the disk is full',
    weight: 1,
    alone: true,
    choose: (soak, { disk }) => {
      const fullMs = 1_000 + soak.random.below(3_000);
      return {
        details:
          disk === undefined ? 'left out: nothing can be mounted here' : `for ${fullMs} ms, then a restart of all`,
        run: async () => {
          if (disk === undefined) return;
          disk.fill();
          await sleep(fullMs);
          await soak.quiet();
          disk.free();
          // What could not be written is not there for the next process.
          soak.spareIdentifies += SHARDS;
          await soak.restart();
          soak.resumeLoad();
        },
      };
    },
  },
];

/** A victim of one blow may have ended by another. */
function tryKill(kill: () => void): void {
  try {
    kill();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function pause(soak: Soak, pidOf: () => number, ms: number): Promise<void> {
  const pid = pidOf();
  if (pid === 0) return;
  soak.noteKill();
  tryKill(() => process.kill(pid, 'SIGSTOP'));
  await sleep(ms);
  tryKill(() => process.kill(pid, 'SIGCONT'));
  // It runs on, or the supervisor has killed it by now.
  soak.noteKill();
}
