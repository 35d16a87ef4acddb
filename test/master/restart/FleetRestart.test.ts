import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ClusterPool } from '../../../src/master/fleet/ClusterPool.js';
import { FleetRestart, type FleetRestartOptions } from '../../../src/master/restart/FleetRestart.js';
import { silentLogger } from '../../support/processes.js';

it('spawns nothing any more once it is stopped: not even where a cluster had been asked how it is just before', async () => {
  const spawned: number[] = [];
  let answer: (stats: object) => void = () => undefined;
  const clusters = {
    workerCount: 2,
    tryGet: () => ({
      request: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    }),
    spawn: (id: number) => {
      spawned.push(id);
      return Promise.reject(new Error('nobody is there to stop it'));
    },
  };
  const unused = {};
  const restart = new FleetRestart({
    clusters: clusters as unknown as ClusterPool,
    queue: unused as FleetRestartOptions['queue'],
    api: unused as FleetRestartOptions['api'],
    logger: silentLogger(),
  });
  restart.begin({ requestedBy: 'a test' });
  await nextTurn();
  restart.stop();
  answer({ shards: [], resumable: 0 });
  await restart.settled();
  expect(spawned).toEqual([]);
  expect(restart.current).toMatchObject({ outcome: 'stopped' });
});
