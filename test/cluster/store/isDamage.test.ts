import { describe, expect, it } from 'vitest';
import { isDamage, isUnreadable } from '../../../src/cluster/store/isDamage.js';
import { Persistence } from '../../../src/cluster/store/Persistence.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { temporaryFolder } from './support.js';

const failure = (code: number | string): Error => Object.assign(new Error(`code ${code}`), { code });

describe('an error of the database', () => {
  it.each([-30_797, -30_796, -30_794, -30_793, -30_784, -30_778, -30_777, -30_776])(
    '%i says that the file is damaged',
    (code) => {
      expect([isDamage(failure(code)), isUnreadable(failure(code))]).toEqual([true, true]);
    },
  );

  it.each([
    -30_792,
    -30_791,
    -30_790,
    -30_789,
    -30_788,
    -30_787,
    -30_785,
    -30_783,
    -30_782,
    -30_795,
    11,
    12,
    'ENOSPC',
    'EAGAIN',
  ])('%s says nothing about the file', (code) => {
    expect([isDamage(failure(code)), isUnreadable(failure(code))]).toEqual([false, false]);
  });

  it('without a code is one of the rows that were read', () => {
    expect([
      isUnreadable(new SyntaxError('x')),
      isUnreadable(new TypeError('x')),
      isUnreadable(new Error('x')),
    ]).toEqual([true, true, false]);
  });

  it.each([
    [-30_790, 0],
    [-30_796, 1],
  ])('%i while it is read: set aside %i times', async (code, times) => {
    const log = memoryLogger();
    const files = new Persistence(
      { dataDir: temporaryFolder(), shardId: 0, shardCount: 1, tokenHash: 'x', logger: log.logger },
      () => {},
    );
    await files.open();
    files.read(() => {
      throw failure(code);
    });
    await files.replaceDamaged();
    expect(log.warnings().filter((line) => line.includes('was set aside'))).toHaveLength(times);
    expect(log.lines.filter(({ level }) => level === 50)).toHaveLength(1 - times);
    await files.close();
  });
});
