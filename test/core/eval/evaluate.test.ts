import { describe, expect, it } from 'vitest';
import { evaluateCode } from '../../../src/core/eval/evaluate.js';

const evaluate = (code: string, options: Partial<Parameters<typeof evaluateCode>[1]> = {}) =>
  evaluateCode(code, { scope: {}, ...options });

describe('evaluateCode', () => {
  it('gives the value of an expression', async () => {
    expect(await evaluate('1 + 1')).toEqual({ ok: true, output: '2' });
    expect(await evaluate('{ a: 1 }')).toEqual({ ok: true, output: '{ a: 1 }' });
    expect(await evaluate('await Promise.resolve("x") // why')).toEqual({ ok: true, output: '"x"' });
  });

  it('runs what is no expression as statements, and gives what they return', async () => {
    expect(await evaluate('const a = 2; return a * 21')).toEqual({ ok: true, output: '42' });
    expect(await evaluate('let a = 2')).toEqual({ ok: true, output: 'undefined' });
  });

  it('runs the code once, even if it throws a SyntaxError of its own', async () => {
    const seen: number[] = [];
    const result = await evaluate('seen.push(1) && JSON.parse("{")', { scope: { seen } });
    expect(result).toMatchObject({ ok: false, output: expect.stringMatching(/^SyntaxError: /) });
    expect(seen).toEqual([1]);
  });

  it('sees the names of its scope', async () => {
    expect(await evaluate('client.guilds', { scope: { client: { guilds: 3 } } })).toEqual({ ok: true, output: '3' });
  });

  it.each([
    ['throw new TypeError("no")', 'TypeError: no'],
    ['Promise.reject(new RangeError("far"))', 'RangeError: far'],
    ['throw "just text"', "'just text'"],
    ['throw undefined', 'undefined'],
    ['nothing.here', 'ReferenceError: nothing is not defined'],
    [
      'throw Object.defineProperty(new Error(), "message", { get() { throw 1 } })',
      'Error: an error that cannot be shown',
    ],
  ])('shows what %s throws', async (code, output) => {
    expect(await evaluate(code)).toEqual({ ok: false, output });
  });

  it('says what is wrong with code that does not compile', async () => {
    const { ok, output } = await evaluate('return )');
    expect(ok).toBe(false);
    expect(output).toMatch(/^SyntaxError: /);
  });

  it('takes secrets out of values and of errors', async () => {
    const scrub = (text: string) => text.replaceAll('hunter2', '[redacted]');
    expect((await evaluate('({ token: "hunter2" })', { scrub })).output).toBe("{ token: '[redacted]' }");
    expect((await evaluate('throw new Error("hunter2")', { scrub })).output).toBe('Error: [redacted]');
  });

  it('does not wait for longer than it was told, and a later failure of the code hurts nobody', async () => {
    const code = 'new Promise((_, reject) => setTimeout(reject, 20, new Error("late")))';
    expect(await evaluate(code, { timeoutMs: 5 })).toEqual({ ok: false, output: 'Error: no result within 5 ms' });
    await new Promise((resolve) => setTimeout(resolve, 30));
  });

  it('leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await evaluate('1');
    expect(timers()).toBe(before);
  });

  it.each([
    ['an object of a million keys', 'Object.fromEntries(Array.from({ length: 1e6 }, (_, i) => ["key" + i, i]))'],
    [
      'many large objects',
      'Array.from({ length: 50 }, () => Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => ["k" + i, i])))',
    ],
    [
      'a map of large objects',
      'new Map([[1, Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => ["k" + i, i]))]])',
    ],
    ['a string of 100 MB', '"x".repeat(1e8)'],
    ['a string of 100 MB inside', '[["x".repeat(1e8)]]'],
    ['an error of 100 MB inside', '[new Error("x".repeat(1e8))]'],
    ['an error of 100 MB', 'throw new Error("x".repeat(1e8))'],
    ['an array of 10 million items', 'new Array(1e7).fill(1)'],
    ['a buffer of 100 MB', 'Buffer.alloc(1e8)'],
  ])('bounds the output of %s', async (_what, code) => {
    const { output } = await evaluate(code, { maxOutputLength: 500 });
    expect(output.length).toBeLessThanOrEqual(500);
    expect(output.length).toBeGreaterThan(3);
  });

  it('shows the first keys of what is too large', async () => {
    const { output } = await evaluate('Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => ["key" + i, i]))');
    expect(output).toMatch(/^object with 100000 keys, the first of them: \{\n {2}key0: /);
  });

  it('runs no getter, survives a proxy and a circle', async () => {
    expect((await evaluate('({ get a() { throw new Error("ran") } })')).output).toBe('{ a: [Getter] }');
    expect((await evaluate('new Proxy({}, { ownKeys() { throw new Error("ran") } })')).ok).toBe(true);
    expect((await evaluate('const a = {}; a.a = a; return a')).output).toBe('<ref *1> { a: [Circular *1] }');
  });
});
