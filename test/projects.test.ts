import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createVitest } from 'vitest/node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILES = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((path) => `test/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.ts') && !path.startsWith('test/fixtures/build/'));

/** What starts processes: a program, the built bot, a browser. */
const STARTS = /^(?:node:)?(?:child_process|cluster)$|^playwright/;

/** @returns the imports by which a test file comes to start processes, or undefined. */
function wayToProcesses(path: string, seen = new Set<string>()): string[] | undefined {
  seen.add(path);
  for (const [, specifier = ''] of readFileSync(join(ROOT, path), 'utf8').matchAll(
    /\b(?:from|import)\s*\(?'([^']+)'/g,
  )) {
    if (STARTS.test(specifier) || specifier.includes('/dist/')) return [path, specifier];
    const target = posix.join(posix.dirname(path), specifier.replace(/\.js$/, '.ts'));
    // What the source starts by itself, test/support/startNothing.ts notices.
    if (!FILES.includes(target) || seen.has(target)) continue;
    const way = wayToProcesses(target, seen);
    if (way !== undefined) return [path, ...way];
  }
  return undefined;
}

async function filesByProject(): Promise<Record<string, string[]>> {
  const vitest = await createVitest('test', { watch: false, root: ROOT });
  const found: Record<string, string[]> = { unit: [], processes: [] };
  for (const { project, moduleId } of await vitest.globTestSpecifications()) {
    found[project.name]?.push(posix.relative(ROOT, moduleId));
  }
  await vitest.close();
  return found;
}

describe('the projects of the tests', async () => {
  const { unit = [], processes = [] } = await filesByProject();

  it('hold each test file once', () => {
    expect([...unit, ...processes].sort()).toEqual(FILES.filter((path) => /\.(?:test|spec)\.ts$/.test(path)).sort());
  });

  it('start no process in a unit test', () => {
    expect(unit.flatMap((path) => wayToProcesses(path)?.join(' -> ') ?? [])).toEqual([]);
  });

  it('call no file *.process.test.ts that starts none', () => {
    const named = processes.filter((path) => path.endsWith('.process.test.ts'));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => wayToProcesses(path) === undefined)).toEqual([]);
  });
});
