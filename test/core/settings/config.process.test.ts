import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runScript } from '../../support/runScript.js';

const folder = mkdtempSync(join(tmpdir(), 'kallisti-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('.env', () => {
  it('is read from the working directory, where there is one', async () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'));
    const script = `const { loadConfig } = await load('core/settings/config.js'); console.log(loadConfig().shardCount)`;
    expect((await runScript(script, { cwd })).stdout).toBe('auto\n');
    writeFileSync(join(cwd, '.env'), 'SHARD_COUNT=3');
    expect((await runScript(script, { cwd })).stdout).toBe('3\n');
  });

  it('that is a folder is refused in one line', async () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'));
    mkdirSync(join(cwd, '.env'));
    const script = `const { loadConfig } = await load('core/settings/config.js');
      try { loadConfig() } catch (error) { console.log(error.message) }`;
    expect((await runScript(script, { cwd })).stdout).toBe(
      '.env cannot be read (EISDIR): it must be a file that this user may read\n',
    );
  });
});
