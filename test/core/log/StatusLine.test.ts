import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/core/log/logger.js';
import { StatusLine } from '../../../src/core/log/StatusLine.js';

/** A real terminal emulator behind a stream; `screen()` is what a person sees, without the empty lines below. */
function terminal(columns = 40, rows = 10) {
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns, rows });
  const written: string[] = [];
  stream.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const screen = async (): Promise<string[]> => {
    await new Promise(setImmediate);
    await new Promise<void>((resolve) => emulator.write(written.splice(0).join(''), resolve));
    const { active } = emulator.buffer;
    const lines = Array.from({ length: active.length }, (_, i) => active.getLine(i)?.translateToString(true) ?? '');
    while (lines.at(-1) === '') lines.pop();
    return lines;
  };
  return { stream, screen };
}

describe('StatusLine', () => {
  it('stays below the log lines', async () => {
    const { stream, screen } = terminal();
    const status = new StatusLine(stream);
    const log = status.wrap();
    log.write('first\n');
    status.set('shards 1/8');
    log.write('second\n');
    log.write('third\nfourth\n');
    status.set('shards 2/8');
    expect(await screen()).toEqual(['first', 'second', 'third', 'fourth', 'shards 2/8']);
    log.write('fifth\n');
    expect(await screen()).toEqual(['first', 'second', 'third', 'fourth', 'fifth', 'shards 2/8']);
  });

  it('leaves nothing behind when a shorter text follows, when cleared and when stopped', async () => {
    const { stream, screen } = terminal();
    const status = new StatusLine(stream);
    status.set('a long text about many shards');
    status.set('short');
    expect(await screen()).toEqual(['short']);
    status.clear();
    expect(await screen()).toEqual([]);
    status.set('again');
    status.set('');
    expect(await screen()).toEqual([]);
    status.set('at the end');
    status.stop();
    status.stop();
    status.set('too late');
    status.wrap().write('bye\n');
    expect(await screen()).toEqual(['bye']);
  });

  it('does not garble lines wider than the terminal, its own included, and scrolls', async () => {
    const { stream, screen } = terminal(20, 6);
    const status = new StatusLine(stream);
    status.set(`wide ${'s'.repeat(30)}`);
    for (let i = 0; i < 8; i += 1) status.wrap().write(`${i} ${'x'.repeat(28)}\n`);
    status.set(`end 🍎 ${'e'.repeat(20)}`);
    const text = (await screen()).join('|');
    expect(text).toBe(
      [
        ...Array.from({ length: 8 }, (_, i) => `${i} ${'x'.repeat(18)}|${'x'.repeat(10)}`),
        `end 🍎 ${'e'.repeat(13)}|eeeeeee`,
      ].join('|'),
    );
  });

  it('takes line breaks and controls in its text for spaces', async () => {
    const { stream, screen } = terminal();
    new StatusLine(stream).set('a\nb\u001b[2Jc');
    expect(await screen()).toEqual(['a b [2Jc']);
  });

  it('leaves the cursor visible', async () => {
    const { stream } = terminal();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const status = new StatusLine(stream);
    status.set('x');
    status.stop();
    await new Promise(setImmediate);
    expect(Buffer.concat(chunks).toString()).not.toContain('\u001b[?25l');
  });

  it('is silent where there is no terminal, and the log goes through', async () => {
    const stream = new PassThrough();
    const status = new StatusLine(stream);
    status.set('shards 1/8');
    createLogger({ level: 'info', destination: status.wrap() }).info('hello');
    status.stop();
    const text = (stream.read() as Buffer).toString();
    expect(JSON.parse(text)).toMatchObject({ msg: 'hello' });
  });

  it('shows readable log lines above it on a terminal', async () => {
    const { stream, screen } = terminal(80);
    const status = new StatusLine(stream);
    const logger = createLogger({ level: 'info', bindings: { kind: 'master' }, destination: status.wrap() });
    status.set('shards 5/8');
    logger.info('cluster 1 is ready');
    expect(await screen()).toEqual([expect.stringMatching(/^\[.*\] INFO: master: cluster 1 is ready$/), 'shards 5/8']);
  });
});
