import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineForwarder } from '../../../src/core/log/LineForwarder.js';
import { LogTail } from '../../../src/core/log/LogTail.js';
import { createLogger } from '../../../src/core/log/logger.js';
import type { LogLevel } from '../../../src/core/settings/settings.js';

function receive(level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    bindings: { kind: 'master' },
    destination: { write: (text) => void lines.push(text) },
  });
  const tail = new LogTail();
  const forwarder = new LineForwarder({ logger, bindings: { kind: 'cluster', id: 3, pid: 42 }, tail });
  return {
    forwarder,
    lines,
    logger,
    tail,
    records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('LineForwarder', () => {
  it("passes a worker's log line on as it is, past the receiver's level", () => {
    const { forwarder, lines } = receive('error');
    const line = '{"level":20,"time":1700000000000,"kind":"cluster","id":3,"pid":42,"shard":7,"msg":"resumed"}';
    forwarder.forward(line, 'stdout');
    expect(lines).toEqual([`${line}\n`]);
  });

  it('adds whose line it is where the line does not say so', () => {
    const { forwarder, records } = receive();
    forwarder.forward('{"level":50,"time":5,"pid":43,"msg":"from a library"}', 'stderr');
    expect(records()).toEqual([{ level: 50, time: 5, kind: 'cluster', id: 3, pid: 43, msg: 'from a library' }]);
  });

  it.each([
    ['stdout', 30],
    ['stderr', 40],
  ] as const)('makes a message of any other line of %s', (stream, level) => {
    const { forwarder, records } = receive();
    for (const line of [
      'plain text',
      '{"level":30}',
      '{"level":"x","time":1}',
      '{broken',
      '[1]',
      'null',
      '{"level":99,"time":1}',
    ]) {
      forwarder.forward(line, stream);
    }
    expect(records()).toHaveLength(7);
    expect(records()[0]).toEqual({
      level,
      time: expect.any(Number),
      kind: 'cluster',
      id: 3,
      pid: 42,
      stream,
      msg: 'plain text',
    });
  });

  it("keeps a plain line from the log where the receiver's level is higher, but not from the tail", () => {
    const { forwarder, lines, tail } = receive('warn');
    forwarder.forward('plain', 'stdout');
    expect(lines).toEqual([]);
    expect(tail.lines()).toEqual([expect.stringContaining('INFO: cluster 3: plain {"stream":"stdout"}')]);
  });

  it('leaves blank lines out', () => {
    const { forwarder, lines, tail } = receive();
    forwarder.forward('  ', 'stdout');
    expect([lines, tail.lines()]).toEqual([[], []]);
  });

  it('cuts a long plain line and says so', () => {
    const { forwarder, records } = receive();
    forwarder.forward('y'.repeat(50_000), 'stdout');
    expect(records()[0]?.msg).toBe(`${'y'.repeat(16_384)}... [cut, 50000 characters in all]`);
  });

  it('cuts the texts of a long log line, and keeps its level, time and short fields', () => {
    const { forwarder, lines, records } = receive();
    const record = { level: 50, time: 7, kind: 'cluster', id: 3, pid: 42, shard: 1 };
    forwarder.forward(
      JSON.stringify({ ...record, err: { stack: 's'.repeat(50_000), code: 'E' }, msg: 'failed' }),
      'stdout',
    );
    forwarder.forward(
      JSON.stringify({ ...record, list: Array.from({ length: 9000 }, (_, i) => i), msg: 'many' }),
      'stdout',
    );
    expect(lines.every((line) => line.length <= 16_385)).toBe(true);
    expect(records()).toMatchObject([
      { ...record, err: { stack: expect.stringMatching(/s{2048}\.\.\. \[cut, 50000 /), code: 'E' }, msg: 'failed' },
      { level: 50, time: 7, kind: 'cluster', id: 3, pid: 42, cutFrom: expect.any(Number), msg: 'many' },
    ]);
  });

  it('scrubs what the worker did not', () => {
    const { forwarder, lines, tail } = receive();
    const token = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB';
    forwarder.forward(`token ${token}`, 'stderr');
    forwarder.forward(JSON.stringify({ level: 30, time: 1, kind: 'x', msg: token }), 'stdout');
    expect(lines.join('') + tail.lines().join('')).not.toContain('MTIz');
  });

  it('makes one valid line of any line', () => {
    const { forwarder, lines } = receive('trace');
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.json().map((json) => `{"level":30,"time":1,"x":${json}}`),
    );
    fc.assert(
      fc.property(line, (text) => {
        lines.length = 0;
        forwarder.forward(text, 'stdout');
        expect(lines).toHaveLength(text.trim() === '' ? 0 : 1);
        for (const out of lines) {
          expect(out.endsWith('\n')).toBe(true);
          JSON.parse(out);
        }
      }),
    );
  });
});
