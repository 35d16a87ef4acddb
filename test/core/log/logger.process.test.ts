import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LineForwarder } from '../../../src/core/log/LineForwarder.js';
import { LogTail } from '../../../src/core/log/LogTail.js';
import { createLogger } from '../../../src/core/log/logger.js';
import { runScript, startScript } from '../../support/runScript.js';

const TOKEN = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB';

const SETUP = `
  const { createLogger } = await load('core/log/logger.js');
  const logger = createLogger({ level: 'info', bindings: { kind: 'cluster', id: 0 } });
`;

describe('a process that logs to stdout', () => {
  it('loses no line when it exits at once, and shows no token in the last', async () => {
    const { stdout, code } = await runScript(`${SETUP}
      for (let i = 0; i < 5000; i++) logger.info({ i }, 'x'.repeat(100));
      logger.fatal(new Error('last words ${TOKEN}'));
      process.exit(3);
    `);
    const lines = stdout.trimEnd().split('\n');
    expect(code).toBe(3);
    expect(lines).toHaveLength(5001);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 60, msg: 'last words [redacted]' });
  });

  it('loses no line when an uncaught exception ends it', async () => {
    const { stdout, code } = await runScript(`${SETUP}
      logger.info('x'.repeat(1_000_000));
      logger.info('last words');
      throw new Error('oh');
    `);
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n').at(-1)).toContain('last words');
  });

  it('lives on when nobody reads its output any more, its own writes to the streams included', async () => {
    const child = startScript(`${SETUP}
      setInterval(() => {
        logger.info('still here');
        process.stdout.write('plain\\n');
        process.stderr.write('plain\\n');
      }, 1);
      process.on('SIGTERM', () => process.exit(7));
    `);
    if (child.stdout === null) throw new Error('no stdout');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stderr?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(child.exitCode ?? child.signalCode).toBeNull();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it('does not wait for a reader that is stuck, and says later how much it dropped', async () => {
    const child = startScript(`${SETUP}
      const { writeSync } = await import('node:fs');
      const start = performance.now();
      for (let i = 0; i < 20_000; i++) logger.info({ i }, 'x'.repeat(1000));
      writeSync(2, 'took ' + Math.round(performance.now() - start) + '\\n');
      process.once('SIGTERM', () => { logger.info('last words'); process.exit(0); });
      setInterval(() => {}, 1000);
    `);
    if (child.stdout === null || child.stderr === null) throw new Error('no output');
    // Nobody reads stdout up to here; the pipe holds some 200 kB of 20 MB.
    const [took] = (await once(child.stderr, 'data')) as [Buffer];
    expect(Number(/took (\d+)/.exec(took.toString())?.[1])).toBeLessThan(5000);

    const chunks: Buffer[] = [];
    const seen = (text: string) => Buffer.concat(chunks).includes(text);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await expect.poll(() => seen('were dropped'), { timeout: 10_000 }).toBe(true);
    child.kill('SIGTERM');
    await once(child, 'close');

    const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
    // Every line is whole, the first ones and the last one are there.
    const records = lines.map((line) => JSON.parse(line) as { i?: number; msg: string });
    const numbers = records.flatMap(({ i }) => (i === undefined ? [] : [i]));
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThan(3000);
    const dropped = Number(/^(\d+) log lines were dropped/.exec(records.at(-2)?.msg ?? '')?.[1]);
    expect(numbers.length + dropped).toBe(20_000);
    expect(records.at(-1)?.msg).toBe('last words');
  });

  it('ends in time although its reader is stuck', async () => {
    const child = startScript(`${SETUP}
      for (let i = 0; i < 2000; i++) logger.info('x'.repeat(1000));
      process.exit(0);
    `);
    const start = performance.now();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(performance.now() - start).toBeLessThan(5000);
    child.stdout?.destroy();
  });

  it('ends by itself when only logging is left', async () => {
    const { code, signal } = await runScript(`${SETUP} logger.info('done');`);
    expect([code, signal]).toEqual([0, null]);
  });
});

it('LineForwarder delivers the last words of a process that died, before it says that the output has ended', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', destination: { write: (text) => void lines.push(text) } });
  const bindings = { kind: 'cluster', id: 3, pid: 42 };
  const forwarder = new LineForwarder({ logger, bindings, tail: new LogTail() });
  const child = startScript(`
    const { createLogger } = await load('core/log/logger.js');
    createLogger({ level: 'debug', bindings: { kind: 'cluster', id: 3 } }).debug('as json');
    console.log('on stdout');
    process.stderr.write('no line break');
    process.kill(process.pid, 'SIGKILL');
  `);
  if (child.stdout === null || child.stderr === null) throw new Error('no output');
  await Promise.all([forwarder.attach(child.stdout, 'stdout'), forwarder.attach(child.stderr, 'stderr')]);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ level: 20, kind: 'cluster', id: 3, pid: child.pid, msg: 'as json' }),
      expect.objectContaining({ level: 30, stream: 'stdout', msg: 'on stdout' }),
      expect.objectContaining({ level: 40, stream: 'stderr', msg: 'no line break' }),
    ]),
  );
});

it('StatusLine keeps no process alive', async () => {
  const { code } = await runScript(`
    const { StatusLine } = await load('core/log/StatusLine.js');
    Object.defineProperty(process.stdout, 'isTTY', { value: true });
    new StatusLine(process.stdout).set('shards 1/8');
  `);
  expect(code).toBe(0);
});
