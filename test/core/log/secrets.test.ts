import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDACTED, registerSecret, Secret, scrub } from '../../../src/core/log/secrets.js';

// In the shape of a token, of a bot that does not exist.
const TOKEN = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB';

describe('Secret', () => {
  const secret = new Secret('hunter2-hunter2');

  it('gives its value only when asked to', () => {
    expect(secret.reveal()).toBe('hunter2-hunter2');
  });

  it('is redacted as text, as JSON and when inspected', () => {
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: 9, getters: true }),
      inspect(Object.entries({ secret })),
      Object.keys(secret).join(),
      JSON.stringify(structuredClone({ ...secret })),
    ];
    for (const text of printed) expect(text).not.toContain('hunter2');
    expect(String(secret)).toBe(REDACTED);
  });

  it('registers its value', () => {
    expect(scrub('password hunter2-hunter2!')).toBe('password [redacted]!');
  });
});

describe('scrub', () => {
  it('hides a token that nobody registered', () => {
    expect(scrub(`Authorization: Bot ${TOKEN}\n`)).toBe('Authorization: Bot [redacted]\n');
    expect(scrub(`?t=%20${TOKEN}&x=1`)).toBe('?t=%20[redacted]&x=1');
    expect(scrub(`{"d":{"token":"${TOKEN}","intents":1}}`)).toBe('{"d":{"token":"[redacted]","intents":1}}');
  });

  it("hides the tokens of interactions and webhooks, which stand in REST's paths", () => {
    const interaction = `aW50ZXJhY3Rpb246${'x'.repeat(60)}`;
    expect(scrub(`POST /interactions/123/${interaction}/callback`)).toBe('POST /interactions/123/[redacted]/callback');
    expect(scrub(`/webhooks/123456789012345678/${'a-B_9'.repeat(12)}/messages`)).toBe(
      '/webhooks/123456789012345678/[redacted]/messages',
    );
  });

  it('leaves ordinary texts alone', () => {
    for (const text of [
      'shard 3 of 8 is ready after 1234 ms',
      'https://discord.com/api/v10/guilds/123456789012345678/members?limit=1000',
      'MyVeryLongModuleNameOfManyParts.something.else',
      'node_modules/@biomejs/biome/configuration_schema.json',
      'N'.repeat(200),
    ]) {
      expect(scrub(text)).toBe(text);
    }
  });

  it('hides every form of any registered secret, wherever it stands', () => {
    const around = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 }),
        around,
        around,
        (value, before, after) => {
          const unregister = registerSecret(value);
          const forms = [
            value,
            encodeURIComponent(value),
            encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
            JSON.stringify(value).slice(1, -1),
            JSON.stringify(JSON.stringify(value)).slice(3, -3),
          ];
          const encoded = (['base64', 'base64url'] as const).map((form) =>
            Buffer.from(before + value + after).toString(form),
          );
          const scrubbed = [...forms.map((form) => before + form + after), ...encoded].map(scrub);
          unregister();
          for (const text of scrubbed) expect(text).toContain(REDACTED);
        },
      ),
    );
  });

  it('leaves nothing of a secret that stands alone in base64', () => {
    const unregister = registerSecret('correct horse battery');
    expect(scrub(Buffer.from('correct horse battery').toString('base64'))).toBe(REDACTED);
    unregister();
    const other = registerSecret('correct horse batteries');
    expect(scrub(`"${Buffer.from('correct horse batteries').toString('base64')}"`)).toBe(`"${REDACTED}"`);
    other();
  });

  it('refuses values so short that they would match inside words', () => {
    expect(() => registerSecret('shard')).toThrow(RangeError);
    expect(() => new Secret('')).toThrow(RangeError);
    expect(scrub('shard')).toBe('shard');
  });

  it('forgets a secret when the last of its holders takes it back', () => {
    const first = registerSecret('spawn-secret-1');
    const second = registerSecret('spawn-secret-1');
    first();
    first();
    expect(scrub('spawn-secret-1')).toBe(REDACTED);
    second();
    expect(scrub('spawn-secret-1')).toBe('spawn-secret-1');
  });

  it('takes a few microseconds for a line that holds none', () => {
    const unregister = [1, 2, 3, 4].map((n) => registerSecret(`${n}-${'secret'.repeat(5)}`));
    const line = JSON.stringify({
      level: 30,
      time: 1,
      kind: 'cluster',
      id: 1,
      pid: 9,
      msg: 'a line of the usual length',
    });
    scrub(line);
    const batches = Array.from({ length: 10 }, () => {
      const start = performance.now();
      for (let i = 0; i < 1_000; i += 1) scrub(line);
      return performance.now() - start;
    });
    // Measured 1-2 us; the bound only catches a pattern that backtracks. The others of the machine slow down some batches.
    expect(Math.min(...batches)).toBeLessThan(100);
    for (const take of unregister) take();
  });

  it.each([['M'], ['MN0.'], ['/webhooks/1'], ['aW50'], ['\\']])('does not backtrack over a megabyte of %s', (piece) => {
    const text = piece.repeat(1_000_000 / piece.length);
    const start = performance.now();
    scrub(text);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
