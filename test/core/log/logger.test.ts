import { describe, expect, it } from 'vitest';
import { KallistiError } from '../../../src/core/errors.js';
import { createLogger, writeLine } from '../../../src/core/log/logger.js';
import { registerSecret } from '../../../src/core/log/secrets.js';

const TOKEN = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB';

/** A destination that keeps what is written. */
function memory(isTTY = false) {
  const lines: string[] = [];
  return {
    isTTY,
    lines,
    write: (text: string) => void lines.push(text),
    records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown> & { err: Record<string, unknown> }),
  };
}

describe('createLogger', () => {
  it('writes JSON lines with kind, id and pid, and no hostname', () => {
    const destination = memory();
    createLogger({ level: 'info', bindings: { kind: 'cluster', id: 2 }, destination }).info({ shard: 5 }, 'ready');
    expect(destination.lines[0]?.endsWith('}\n')).toBe(true);
    expect(destination.records()).toEqual([
      { level: 30, time: expect.any(Number), kind: 'cluster', id: 2, pid: process.pid, shard: 5, msg: 'ready' },
    ]);
  });

  it('adds what is known only later, also to the lines of its children', () => {
    const destination = memory();
    let bindings = {};
    const logger = createLogger({
      level: 'info',
      bindings: { kind: 'cluster' },
      lateBindings: () => bindings,
      destination,
    });
    const child = logger.child({ part: 'game' });
    logger.info('before');
    bindings = { id: 2 };
    logger.info('after');
    child.info('a child');
    expect(destination.records().map(({ kind, id, part }) => [kind, id, part])).toEqual([
      ['cluster', undefined, undefined],
      ['cluster', 2, undefined],
      ['cluster', 2, 'game'],
    ]);
  });

  it('scrubs every line, whoever logs it and however the secret got in', () => {
    const destination = memory();
    const unregister = registerSecret('hunter2"hunter2');
    const logger = createLogger({ level: 'trace', destination });
    const child = logger.child({ authorization: `Bot ${TOKEN}` }, { msgPrefix: `${TOKEN} ` });
    logger.info(TOKEN);
    logger.info({ [TOKEN]: { deep: [TOKEN] } }, 'text %s', TOKEN);
    logger.error(
      Object.assign(new Error(`refused: ${TOKEN}`), { body: JSON.stringify({ password: 'hunter2"hunter2' }) }),
    );
    child.trace('from a child');
    logger.child({}, { serializers: { err: (error: Error) => error.message } }).error(new Error(TOKEN));
    writeLine(logger, JSON.stringify({ level: 30, time: 1, msg: TOKEN }));
    unregister();
    expect(destination.records()).toHaveLength(6);
    for (const line of destination.lines) {
      expect(line).toContain('[redacted]');
      expect(line).not.toContain('MTIz');
      expect(line).not.toContain('hunter2');
    }
  });

  it('writes valid JSON also when a secret reads like JSON', () => {
    const destination = memory();
    const unregister = registerSecret('1234567890');
    createLogger({ level: 'info', destination }).error({ count: 1234567890 }, 'broken by scrubbing');
    unregister();
    expect(destination.records()).toMatchObject([{ level: 50, msg: 'a log line was withheld: it held a secret' }]);
  });

  it('keeps the code and the causes of an error', () => {
    const destination = memory();
    const root = Object.assign(new TypeError('no route'), { code: 'ENETUNREACH', port: 443 });
    const error = new KallistiError('START_FAILED', 'it did not start', {
      cause: new Error('connect', { cause: root }),
    });
    createLogger({ level: 'info', destination }).error({ err: error }, 'failed');
    expect(destination.records()[0]?.err).toMatchObject({
      type: 'KallistiError',
      message: 'it did not start',
      stack: expect.stringContaining('logger.test.ts'),
      code: 'START_FAILED',
      retryable: true,
      cause: { message: 'connect', cause: { type: 'TypeError', code: 'ENETUNREACH', port: 443 } },
    });
  });

  it.each([
    ['a cause that is no error', () => new Error('x', { cause: 'the user left' }), { cause: 'the user left' }],
    ['a frozen error', () => Object.freeze(new Error('x')), { message: 'x' }],
    ['a circle of causes', circle, { message: 'x' }],
    ['several errors', () => new AggregateError([new Error('a')], 'x'), { errors: [{ message: 'a' }] }],
    ['a getter that throws', hostile, { message: expect.stringContaining('cannot be read') }],
    ['a DOMException', () => AbortSignal.abort().reason as Error, { type: 'AbortError' }],
    ['no error at all', () => 'just text', 'just text'],
  ])('logs %s', (_name, make, expected) => {
    const destination = memory();
    createLogger({ level: 'info', destination }).error({ err: make() }, 'failed');
    const { err } = destination.records()[0] ?? {};
    if (typeof expected === 'string') expect(err).toBe(expected);
    else expect(err).toMatchObject(expected);
  });

  it('changes its level at run time, and that of its children', () => {
    const destination = memory();
    const logger = createLogger({ level: 'warn', destination });
    const child = logger.child({ shard: 1 });
    child.debug('before');
    logger.level = 'debug';
    child.debug('after');
    logger.level = 'silent';
    child.fatal('never');
    expect(destination.records().map((record) => record.msg)).toEqual(['after']);
  });

  it('is readable on a terminal, with stacks and causes and without escape sequences from outside', () => {
    const destination = memory(true);
    const logger = createLogger({ level: 'info', bindings: { kind: 'cluster', id: 2 }, destination });
    logger.info({ shards: 4 }, 'name: \u001b[2J\u009b2J\u0007');
    logger.error(new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'EPIPE' }) }), TOKEN);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, where the machine that tests has them
    const text = destination.lines.join('').replace(/\u001b\[\d+m/g, '');
    expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: cluster 2: name: \ufffd\[2J\ufffd2J\ufffd \{"shards":4\}\n/);
    expect(text).toContain('ERROR: cluster 2: [redacted]\n    Error: outer\n        at ');
    expect(text).toMatch(/\n {4}caused by: Error: inner\n[\s\S]+\n +\{"code":"EPIPE"\}\n$/);
  });
});

function circle(): Error {
  const error = new Error('x');
  error.cause = error;
  return error;
}

function hostile(): Error {
  return Object.defineProperty(new Error('x'), 'y', {
    enumerable: true,
    get: () => {
      throw new Error('no');
    },
  });
}
