import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Layout, type LayoutOptions } from '../../../src/core/discord/Layout.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const TOKEN = 'a.secret.token';
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'kallisti-layout-'));
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function open(changes: Partial<LayoutOptions> = {}) {
  const log = memoryLogger();
  const layout = new Layout({ dataDir, token: TOKEN, apiUrl: 'https://host/api', logger: log.logger, ...changes });
  return { layout, log };
}

function writeLabel(shardId: number | string, shardCount: unknown, token = TOKEN): void {
  const folder = join(dataDir, 'shards', String(shardId));
  mkdirSync(folder, { recursive: true });
  const tokenHash = createHash('sha256').update(token).digest('hex');
  writeFileSync(join(folder, 'label.json'), JSON.stringify({ format: 1, tokenHash, shardId, shardCount }));
}

describe('the number of shards', () => {
  it('is what Discord has accepted last, for the same token and API only', () => {
    open().layout.commit(4);
    expect(open().layout.load()).toBe(4);
    open().layout.commit(6);
    expect(open().layout.load()).toBe(6);
    expect(open({ token: 'another' }).layout.load()).toBeUndefined();
    expect(open({ apiUrl: 'https://elsewhere/api' }).layout.load()).toBeUndefined();
    expect(readFileSync(join(dataDir, 'layout.json'), 'utf8')).not.toContain(TOKEN);
  });

  it('is kept while another one is tried, until Discord has accepted that', () => {
    open().layout.commit(4);
    open().layout.begin(4);
    expect(open().layout.load()).toBe(4);
    rmSync(join(dataDir, 'layout.json'));
    open().layout.begin(undefined);
    expect(open().layout.load()).toBeUndefined();
  });

  it.each(['', '{', '[]', '{"version":2,"key":"k","shardCount":4}', '{"version":1,"key":"k","shardCount":0}'])(
    'is not known where the file is damaged, with one warning (%j)',
    (text) => {
      writeFileSync(join(dataDir, 'layout.json'), text);
      writeLabel(0, 4);
      const { layout, log } = open();
      expect(layout.load()).toBeUndefined();
      expect(log.warnings()).toEqual([expect.stringMatching(/layout\.json is damaged/)]);
    },
  );

  it('is not known where the file cannot be read, and a file that cannot be written hurts nobody', () => {
    mkdirSync(join(dataDir, 'layout.json'));
    const { layout, log } = open();
    expect(layout.load()).toBeUndefined();
    layout.commit(4);
    expect(log.warnings()).toEqual([
      expect.stringMatching(/cannot be read/),
      expect.stringMatching(/cannot be written/),
    ]);
  });
});

describe('without the file', () => {
  it('the stores say it', () => {
    for (const shardId of [0, 1, 2]) writeLabel(shardId, 3);
    expect(open().layout.load()).toBe(3);
  });

  it('the lowest store counts: others may be left over from a larger number', () => {
    for (const shardId of [0, 1]) writeLabel(shardId, 2);
    for (const shardId of [2, 3, 10]) writeLabel(shardId, 11);
    expect(open().layout.load()).toBe(2);
  });

  it('a store of another bot, one that was set aside, and a damaged label do not count', () => {
    writeLabel(0, 7, 'another');
    writeLabel('0.set-aside', 8);
    writeLabel(1, 'many');
    mkdirSync(join(dataDir, 'shards', '2'));
    expect(open().layout.load()).toBeUndefined();
    writeLabel(3, 5);
    expect(open().layout.load()).toBe(5);
  });
});

it('says once what Discord recommends instead, and nothing where it is the same', () => {
  const { layout, log } = open();
  layout.compare(4, 4);
  expect(log.lines).toEqual([]);
  layout.compare(4, 6);
  layout.compare(4, 6);
  layout.compare(4, 3);
  expect(log.lines.map(({ level }) => level)).toEqual([40, 30]);
  expect(log.lines[0]?.msg).toMatch(/recommends 6 shards now; SHARD_COUNT=auto keeps its 4.*set SHARD_COUNT=6/);
});
