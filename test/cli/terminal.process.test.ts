import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/processes.js';
import { CliRun } from './CliRun.js';
import { FakeMaster } from './FakeMaster.js';
import { replaced, sampleProgress, sampleRestart, sampleStatus } from './sampleStatus.js';

/** script(1) gives a program a terminal; Debian's is always there, and takes these options. */
const hasScript = ((): boolean => {
  try {
    return /util-linux/.test(execFileSync('script', ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
})();

const ESC = '\u001b';
const CTRL_C = '\u0003';

let master: FakeMaster;
let run: CliRun | undefined;

beforeEach(async () => {
  master = await new FakeMaster().start();
});

afterEach(async () => {
  run?.signal('SIGKILL');
  await run?.ended();
  await master.dispose();
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliRun {
  run = new CliRun(args, { inTerminal: true, env: { DATA_DIR: master.dataDir, ...env } });
  return run;
}

/** A terminal is as it was: no hidden cursor, no other screen, no colour left on, and the prompt comes on a new line. */
function expectClean({ stdout }: CliRun): void {
  expect(stdout).not.toContain(`${ESC}[?25l`);
  expect(stdout).not.toContain(`${ESC}[?1049h`);
  expect(stdout).not.toContain(`${ESC}[?47h`);
  const colors = [...stdout.matchAll(new RegExp(`${ESC}\\[(\\d+)m`, 'g'))].map(([, code]) => Number(code));
  expect(colors.filter((code) => code < 20 || (code >= 30 && code < 39)).length).toBe(
    colors.filter((code) => (code >= 20 && code < 30) || code === 39).length,
  );
  expect(stdout.replaceAll('\r', '').replaceAll(`${ESC}[?2026l`, '')).toMatch(/\n$/);
}

// In CI it must be there.
describe.skipIf(!hasScript && process.env.CI !== 'true')('in a terminal', () => {
  it('status is coloured, and not with NO_COLOR or --no-color', async () => {
    const coloured = start(['status']);
    expect(await coloured.ended()).toBe(0);
    expect(coloured.stdout).toContain(`${ESC}[32mready${ESC}[39m`);
    expectClean(coloured);
    const plain = start(['status'], { NO_COLOR: '1' });
    await plain.ended();
    expect(plain.stdout).not.toContain(ESC);
    const flagged = start(['status', '--no-color']);
    await flagged.ended();
    expect(flagged.stdout).not.toContain(ESC);
  });

  it('status --watch draws over itself, and Ctrl-C leaves the last state and a clean terminal', async () => {
    const watching = start(['status', '--watch']);
    await watching.untilPrinted(/990 of/);
    master.status = sampleStatus({ phase: 'stopping' });
    await watching.untilPrinted(/the master is stopping/);
    expect(watching.stdout).toMatch(new RegExp(`${ESC}\\[\\d*A`));
    watching.type(CTRL_C);
    expect(await watching.ended()).toBe(0);
    expectClean(watching);
  });

  it('status --watch says when the connection is lost, below what it last knew', async () => {
    const watching = start(['status', '--watch']);
    await watching.untilPrinted(/990 of/);
    await master.stop();
    await watching.untilPrinted(/the connection is lost/);
    watching.type(CTRL_C);
    expect(await watching.ended()).toBe(0);
    expectClean(watching);
  });

  it('logs --follow ends by Ctrl-C with a clean terminal', async () => {
    const following = start(['logs', '--follow']);
    await until(() => master.viewers === 1);
    master.log({ clusterId: 0, time: 1, level: 'error', text: 'boom' });
    await following.untilPrinted(/boom/);
    following.type(CTRL_C);
    expect(await following.ended()).toBe(0);
    expectClean(following);
  });

  it('restart shows a bar while it goes on, and takes it away at the end', async () => {
    master.answers.set('POST /api/restart', () => ({ status: 202, body: { id: 'r1', clusterIds: [0, 1] } }));
    const half = sampleRestart({ clusters: [replaced(0), sampleProgress(1, { state: 'replacing' })] });
    master.status = sampleStatus({ restart: half });
    const restarting = start(['restart']);
    await restarting.untilPrinted(/█{15}.*░{15}.* 1\/2 .*cluster 1 is being replaced/);
    master.status = sampleStatus({ restart: { ...half, outcome: 'done', clusters: [replaced(0), replaced(1)] } });
    expect(await restarting.ended()).toBe(0);
    expect(restarting.stdout).toMatch(new RegExp(`${ESC}\\[2K[^█]*Restarted 2 of 2 clusters[^\\n]*\\n$`));
    expectClean(restarting);
  });
});
