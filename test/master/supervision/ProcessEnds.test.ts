import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ExitReason } from '../../../src/core/errors.js';
import type { ClusterConnection } from '../../../src/master/fleet/ClusterConnection.js';
import type { ClusterPool } from '../../../src/master/fleet/ClusterPool.js';
import { ProcessEnds } from '../../../src/master/supervision/ProcessEnds.js';

const pool = new EventEmitter();

function cluster(pid: number, exit: ExitReason, logLines: readonly string[] = []): ClusterConnection {
  return { pid, ended: Promise.resolve(exit), logLines } as unknown as ClusterConnection;
}

async function endOf(
  exit: ExitReason,
  before: (ends: ProcessEnds, cluster: ClusterConnection) => void = () => undefined,
  logLines: readonly string[] = [],
) {
  const ends = new ProcessEnds(pool as unknown as ClusterPool);
  ends.start();
  const ended = cluster(7, exit, logLines);
  before(ends, ended);
  pool.emit('killedworker', ended);
  await ended.ended;
  ends.stop();
  return ends.find(7);
}

describe('the end of a process', () => {
  it.each<[ExitReason, string, string]>([
    [{ code: 0, signal: null }, 'itself', 'exited with code 0'],
    [{ code: null, signal: 'SIGABRT' }, 'itself', 'was killed by SIGABRT'],
    [{ code: null, signal: 'SIGSEGV' }, 'itself', 'was killed by SIGSEGV'],
    [{ code: null, signal: 'SIGKILL' }, 'killed', 'was killed by SIGKILL'],
    [{ code: null, signal: 'SIGTERM' }, 'killed', 'was killed by SIGTERM'],
    [{ code: null, signal: null }, 'killed', 'is gone'],
  ])('%o is that of one that ended by "%s"', async (exit, cause, detail) => {
    expect(await endOf(exit)).toEqual({ cause, detail, steadyAt: expect.any(Number) });
  });

  it('is told with the stack where it was killed because it hung', async () => {
    const killed = { code: null, signal: 'SIGKILL' } as const;
    const hung = { cause: 'hung', detail: 'was killed by SIGKILL', steadyAt: expect.any(Number) };
    expect(await endOf(killed, (ends, it) => ends.noteHung(it, '    at f'))).toEqual({ ...hung, stack: '    at f' });
    expect(await endOf(killed, (ends, it) => ends.noteHung(it, undefined))).toEqual(hung);
  });

  it('says that it ran out of memory', async () => {
    const end = await endOf({ code: null, signal: 'SIGABRT' }, undefined, [
      'FATAL ERROR: JavaScript heap out of memory',
    ]);
    expect(end).toMatchObject({ cause: 'itself', detail: 'ran out of memory' });
  });

  it('is not known of one that runs, or that nobody has seen', () => {
    expect(new ProcessEnds(pool as unknown as ClusterPool).find(8)).toBeNull();
  });
});
