import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../../src/core/log/splitLines.js';

async function split(chunks: readonly Uint8Array[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  const done = splitLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await done;
  return lines;
}

describe('splitLines', () => {
  it('gives the same lines however the bytes are cut into chunks', async () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom('\n', 'ä', '🍎'), fc.string({ minLength: 1, maxLength: 3 })),
    });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (whole, size) => {
        const bytes = Buffer.from(whole);
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        const expected = bytes
          .toString()
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => line.replace(/\r$/, ''));
        expect(await split(chunks)).toEqual(bytes.length === 0 ? [] : expected);
      }),
    );
  });

  it('delivers what is left without a line break at the end, half a character included', async () => {
    expect(await split([Buffer.from('one\r\ntwo'), Buffer.from('🍎').subarray(0, 2)])).toEqual(['one', 'two\ufffd']);
  });

  it('lets go of the stream in the middle: somebody else reads on, and no byte is lost', async () => {
    const stream = new PassThrough();
    const [first, second]: [string[], string[]] = [[], []];
    const detached = new AbortController();
    const done = splitLines(stream, (line) => first.push(line), detached.signal);
    stream.write('one\n');
    detached.abort();
    await done;
    stream.write('two\n');
    await new Promise((resolve) => setImmediate(resolve));
    const rest = splitLines(stream, (line) => second.push(line));
    stream.end('three\n');
    await rest;
    expect([...first, ...second]).toEqual(['one', 'two', 'three']);
    expect(second).toContain('two');
  });

  it('survives bytes that are not UTF-8', async () => {
    expect(await split([Buffer.from([0x61, 0xff, 0xc0, 0x0a, 0x62])])).toEqual(['a\ufffd\ufffd', 'b']);
  });

  it('keeps a million characters of a line without end, and no more', async () => {
    const [line, next] = await split([
      ...Array.from({ length: 50 }, () => Buffer.alloc(100_000, 'x')),
      Buffer.from('\nnext'),
    ]);
    expect(line?.length).toBeLessThan(1_100_000);
    expect(line?.endsWith('... [cut, 5000000 characters in all]')).toBe(true);
    expect(next).toBe('next');
  });

  it.each(['error', 'close'])('delivers the rest also when the stream ends by %s', async (how) => {
    const stream = new PassThrough();
    const lines: string[] = [];
    const done = splitLines(stream, (line) => lines.push(line));
    stream.write('half');
    await new Promise(setImmediate);
    stream.destroy(how === 'error' ? new Error('broken') : undefined);
    await done;
    expect(lines).toEqual(['half']);
  });
});
