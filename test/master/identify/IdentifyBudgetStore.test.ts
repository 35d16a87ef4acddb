import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IdentifyBudgetStore, type IdentifyRecord } from '../../../src/master/identify/IdentifyBudgetStore.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const record: IdentifyRecord = {
  total: 1000,
  remaining: 7,
  resetAt: 1_790_000_000_000,
  maxConcurrency: 2,
  usedAt: { 0: 1_789_999_999_000, 1: 1_789_999_998_000.5 },
  leasedShardIds: [3],
};

let dataDir: string;
let log: ReturnType<typeof memoryLogger>;
let store: IdentifyBudgetStore;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'kallisti-test-'));
  log = memoryLogger();
  store = new IdentifyBudgetStore(dataDir, log.logger);
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

it('gives back what was saved last', () => {
  store.save({ ...record, remaining: 8 });
  store.save(record);
  expect(new IdentifyBudgetStore(dataDir, log.logger).load()).toEqual({ version: 1, ...record });
  expect(log.lines).toEqual([]);
});

it('replaces the file as a whole and leaves nothing beside it', () => {
  store.save(record);
  const first = statSync(join(dataDir, 'identify.json')).ino;
  store.save(record);
  expect(statSync(join(dataDir, 'identify.json')).ino).not.toBe(first);
  expect(readdirSync(dataDir)).toEqual(['identify.json']);
});

it('has nothing to say where there is no file yet', () => {
  expect(store.load()).toBeUndefined();
  expect(log.lines).toEqual([]);
});

describe('starts afresh, with a log line, from', () => {
  const damaged: Record<string, string> = {
    'an empty file': '',
    'half a file': '{"version":1,"total":1000,"rem',
    'another version': JSON.stringify({ ...record, version: 2 }),
    'negative numbers': JSON.stringify({ ...record, version: 1, remaining: -1 }),
    'a key that is no number': JSON.stringify({ ...record, version: 1, usedAt: { __proto__x: 1 } }),
    'no object at all': '[1, 2]',
  };
  for (const [name, text] of Object.entries(damaged)) {
    it(name, () => {
      writeFileSync(join(dataDir, 'identify.json'), text);
      expect(store.load()).toBeUndefined();
      expect(log.warnings()).toEqual([expect.stringContaining('damaged or of another version')]);
    });
  }

  it('a folder in its place', () => {
    mkdirSync(join(dataDir, 'identify.json'));
    expect(store.load()).toBeUndefined();
    expect(log.warnings()).toEqual([expect.stringContaining('cannot be read')]);
  });
});

it('says once that it cannot write, and does not throw', () => {
  rmSync(dataDir, { recursive: true });
  store.save(record);
  store.save(record);
  expect(log.warnings()).toEqual([expect.stringContaining('cannot be written')]);
  mkdirSync(dataDir);
  store.save(record);
  expect(JSON.parse(readFileSync(join(dataDir, 'identify.json'), 'utf8'))).toEqual({ version: 1, ...record });
});
