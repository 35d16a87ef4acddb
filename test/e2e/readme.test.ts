import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fixture } from '../support/runScript.js';

const run = promisify(execFile);
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** Settings of whoever runs the tests must not reach the example. */
const { DISCORD_TOKEN: _token, SHARD_COUNT: _shards, CLUSTER_COUNT: _clusters, NODE_ENV: _mode, ...env } = process.env;

describe("the README's examples run as they stand there", () => {
  it('the bot, by its own test, against the local Discord', async () => {
    const { stdout, stderr } = await run(process.execPath, [fixture('readme/test.js')], { env });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^# pass 1$/m);
  });

  it('the workers, with the output that it shows', async () => {
    const { stdout, stderr } = await run(process.execPath, [fixture('readme/images.js')], { env });
    expect(stderr).toBe('');
    expect(README).toContain(`$ node images.js\n${stdout}`);
  });
});
