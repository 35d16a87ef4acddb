import { expectTypeOf, it } from 'vitest';
import { type Command, defineCommand } from '../../../src/cluster/commands/Command.js';

it('types the options of a command by its definition', () => {
  const command = defineCommand({
    definition: {
      name: 'mix',
      description: 'Takes one of each.',
      options: [
        { type: 3, name: 'text', description: 'Text.', required: true },
        {
          type: 3,
          name: 'size',
          description: 'Size.',
          choices: [
            { name: 'S', value: 's' },
            { name: 'L', value: 'l' },
          ],
        },
        { type: 4, name: 'count', description: 'Count.' },
        { type: 5, name: 'loud', description: 'Loud.', required: true },
      ],
    },
    async run({ options }) {
      expectTypeOf(options.text).toEqualTypeOf<string>();
      expectTypeOf(options.size).toEqualTypeOf<'s' | 'l' | undefined>();
      expectTypeOf(options.count).toEqualTypeOf<number | undefined>();
      expectTypeOf(options.loud).toEqualTypeOf<boolean>();
      // @ts-expect-error there is no such option
      options.other;
    },
  });
  expectTypeOf(command).toEqualTypeOf<Command>();

  const plain = defineCommand({
    definition: { name: 'plain', description: 'Takes nothing.' },
    async run({ options }) {
      // @ts-expect-error there are no options
      options.other;
    },
  });
  expectTypeOf(plain).toEqualTypeOf<Command>();
});
