import { describe, expect, it } from 'vitest';
import { createCommands } from '../../../src/cluster/commands/commands.js';
import { readOptions, usageOf } from '../../../src/cluster/commands/parsing/options.js';
import { parseOptions } from '../../../src/cluster/commands/parsing/parseOptions.js';
import { readMention } from '../../../src/cluster/commands/parsing/readMention.js';

const commands = createCommands({ evaluate: async () => ({ target: 'cluster 0', ok: true, output: '' }) });
const command = (name: string) => {
  const found = commands.find(({ definition }) => definition.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
};
const parse = (name: string, text: string) => parseOptions(command(name), text);
const options = (given: Record<string, unknown>) => ({ ok: true, options: given });
const problem = (text: string) => ({ ok: false, problem: text });

describe('parseOptions', () => {
  it('reads numbers and leaves out what is optional', () => {
    expect(parse('shards', '')).toEqual(options({}));
    expect(parse('shards', ' 3 ')).toEqual(options({ cluster: 3 }));
    expect(parse('shards', 'cluster:3')).toEqual(options({ cluster: 3 }));
  });

  it('says what is wrong in one line', () => {
    expect(parse('shards', 'three')).toEqual(problem('`cluster` must be a whole number, not `three`.'));
    expect(parse('shards', '3.5')).toEqual(problem('`cluster` must be a whole number, not `3.5`.'));
    expect(parse('shards', '99999999999999999999')).toMatchObject({ ok: false });
    expect(parse('shards', '3 4')).toEqual(problem('There are too many arguments.'));
    expect(parse('ping', 'now')).toEqual(problem('There are too many arguments.'));
    expect(parse('guild', '')).toEqual(problem('`id` is missing.'));
    expect(parse('eval', 'target:all')).toEqual(problem('`code` is missing.'));
    expect(parse('eval', 'target:')).toEqual(problem('`target:` needs a value.'));
    expect(parse('loglevel', 'loud')).toEqual(
      problem('`level` must be one of `trace`, `debug`, `info`, `warn`, `error`, not `loud`.'),
    );
  });

  it('keeps to the bounds of the definition, which Discord checks for slash commands only', () => {
    const definition = {
      name: 'x',
      description: 'X.',
      options: [
        { type: 4, name: 'count', description: 'How many.', min_value: 1, max_value: 9 },
        { type: 3, name: 'word', description: 'What.', min_length: 2 },
      ],
    } as const;
    expect(parseOptions({ definition }, '1 ab')).toEqual(options({ count: 1, word: 'ab' }));
    expect(parseOptions({ definition }, '10')).toEqual(
      problem('`count` must be a whole number from 1 to 9, not `10`.'),
    );
    expect(parseOptions({ definition }, '0')).toMatchObject({ ok: false });
    expect(parseOptions({ definition }, '1 a')).toEqual(
      problem('`word` must be text with a length of at least 2, not `a`.'),
    );
  });

  it('takes a choice in any case', () => {
    expect(parse('loglevel', 'DEBUG')).toEqual(options({ level: 'debug' }));
  });

  it.each([
    ['1 + 1', { code: '1 + 1' }],
    ['target:all 1 + 1', { target: 'all', code: '1 + 1' }],
    ['target: master 1 + 1', { target: 'master', code: '1 + 1' }],
    ['target:cluster 2 1 + 1', { target: 'cluster 2', code: '1 + 1' }],
    ['target:2 1 + 1', { target: '2', code: '1 + 1' }],
    ['target:here\n```js\nreturn `a`\n```', { target: 'here', code: 'return `a`' }],
    ['```1 + 1```', { code: '1 + 1' }],
    ['```\n1\n2\n```', { code: '1\n2' }],
    ['`a` + `b`', { code: '`a` + `b`' }],
    ['label: for (;;) break label', { code: 'label: for (;;) break label' }],
    ['code: 1', { code: 'code: 1' }],
    ['target:all target:2', { target: 'all', code: 'target:2' }],
  ])('reads code and where to run it from %j', (text, expected) => {
    expect(parse('eval', text)).toEqual(options(expected));
  });
});

describe('readOptions', () => {
  const read = (name: string, given: Record<string, unknown>) =>
    readOptions(
      command(name).definition,
      Object.entries(given).map(([key, value]) => ({ name: key, value })),
    );

  it('checks what Discord sends against the definition that this process has', () => {
    expect(read('shards', { cluster: 2 })).toEqual(options({ cluster: 2 }));
    expect(read('shards', { cluster: 2.5 })).toMatchObject({ ok: false });
    expect(read('shards', { old: 2 })).toEqual(options({}));
    expect(read('eval', { code: ' 1 ', target: 'all' })).toEqual(options({ code: ' 1 ', target: 'all' }));
    expect(read('eval', {})).toEqual(problem('`code` is missing.'));
  });
});

describe('readMention', () => {
  const read = (content: string) => readMention(content, { id: '42', username: 'Kallisti' });

  it.each([
    ['<@42> ping', 'ping'],
    ['<@!42> ping', 'ping'],
    ['  <@42>ping 1', 'ping 1'],
    ['@kallisti ping', 'ping'],
    ['<@42>', ''],
    ['@Kallisti', ''],
  ])('reads %j', (content, rest) => {
    expect(read(content)).toBe(rest);
  });

  it.each(['', 'ping', 'hey <@42> ping', '<@43> ping', '<@&42> ping', '@kallistix ping'])(
    'is not meant by %j',
    (content) => {
      expect(read(content)).toBeUndefined();
    },
  );
});

describe('usageOf', () => {
  it('shows the arguments', () => {
    expect(commands.map(usageOf)).toEqual([
      'ping',
      'shards [cluster]',
      'guild <id>',
      'user <id>',
      'stats',
      'eval [target:here | target:cluster N | target:all | target:master] <code>',
      'restart [cluster]',
      'loglevel <trace|debug|info|warn|error>',
    ]);
  });
});

describe('the definitions', () => {
  it("keep Discord's rules for application commands", () => {
    for (const { definition } of commands) {
      expect(definition.name).toMatch(/^[-_a-z0-9]{1,32}$/);
      expect(definition.description.length).toBeLessThanOrEqual(100);
      const required = (definition.options ?? []).map((option) => option.required === true);
      expect(required).toEqual([...required].sort((a, b) => Number(b) - Number(a)));
      for (const option of definition.options ?? []) {
        expect(option.name).toMatch(/^[-_a-z0-9]{1,32}$/);
        expect(option.description.length).toBeLessThanOrEqual(100);
      }
    }
  });
});
