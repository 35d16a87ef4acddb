import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  APIApplicationCommandBooleanOption,
  APIApplicationCommandIntegerOption,
  APIApplicationCommandStringOption,
  RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord-api-types/v10';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDefinition, CommandOptionDefinition } from '../../../src/core/contracts/ClusterContract.js';
import { CommandRecord } from '../../../src/master/discord/CommandRecord.js';
import { CommandRegistrar } from '../../../src/master/discord/CommandRegistrar.js';
import { changedFields, commandFields } from '../../../src/master/discord/commandFields.js';
import { DiscordApi } from '../../../src/master/discord/DiscordApi.js';
import { Simulator } from '../../../src/simulator/index.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const text = fc.stringMatching(/^[!-~][ -~]{0,40}[!-~]$/);
const localizations = (value: fc.Arbitrary<string>) =>
  fc.option(fc.dictionary(fc.constantFrom('de', 'fr', 'en-GB', 'zh-CN', 'es-419'), value, { maxKeys: 3 }), {
    nil: null,
  });
const some = <T>(...values: T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });

const named = {
  name: word,
  name_localizations: localizations(word),
  description: text,
  description_localizations: localizations(text),
  required: fc.constant(false),
};
const choice = fc.record(
  { name: text, value: text, name_localizations: localizations(text) },
  { requiredKeys: ['name', 'value'] },
);
const ofString = {
  ...named,
  type: fc.constant(3 as const),
  min_length: fc.integer({ min: 0, max: 6000 }),
  max_length: fc.integer({ min: 1, max: 6000 }),
};
const ofInteger = { ...named, type: fc.constant(4 as const), min_value: fc.integer(), max_value: fc.integer() };
const autocomplete = fc.boolean();
const choices = fc.array(choice, { maxLength: 4 });
const option: fc.Arbitrary<CommandOptionDefinition> = fc.oneof(
  fc.record({ ...ofString, autocomplete }, { requiredKeys: ['type', 'name', 'description'] }),
  fc.record({ ...ofString, choices }, { requiredKeys: ['type', 'name', 'description'] }),
  fc.record({ ...ofInteger, autocomplete }, { requiredKeys: ['type', 'name', 'description'] }),
  fc.record({ ...named, type: fc.constant(5 as const) }, { requiredKeys: ['type', 'name', 'description'] }),
);

/** Fields that are not ours to define: the name tells commands apart, the others are replaced by newer ones. */
type NotOurs = 'name' | 'type' | 'dm_permission' | 'default_permission';
type Field = Exclude<keyof RESTPostAPIChatInputApplicationCommandsJSONBody, NotOurs>;
/** Every field of Discord's. A new one in discord-api-types does not compile until it is here, and in our definition. */
const FIELDS: { [Each in Field]: fc.Arbitrary<Required<CommandDefinition>[Each]> } = {
  name_localizations: localizations(word),
  description: text,
  description_localizations: localizations(text),
  options: fc.uniqueArray(option, { selector: ({ name }) => name, maxLength: 4 }),
  default_member_permissions: fc.option(fc.bigInt({ min: 0n, max: 2n ** 52n }).map(String), { nil: null }),
  nsfw: fc.boolean(),
  contexts: some(0, 1, 2),
  integration_types: some(0, 1),
};
type OptionField =
  | keyof APIApplicationCommandStringOption
  | keyof APIApplicationCommandIntegerOption
  | keyof APIApplicationCommandBooleanOption;
/** The same for options. */
const OPTION_FIELDS: Record<OptionField, true> & Record<keyof CommandOptionDefinition, true> = {
  type: true,
  name: true,
  name_localizations: true,
  description: true,
  description_localizations: true,
  required: true,
  choices: true,
  min_value: true,
  max_value: true,
  min_length: true,
  max_length: true,
  autocomplete: true,
};

type Fields = Omit<CommandDefinition, 'name'>;
const anyFields = fc.record(FIELDS, { requiredKeys: ['description'] }) as fc.Arbitrary<Fields>;
/** A field and its new value; undefined takes it out of the definition. */
const anyChange = fc.constantFrom(...(Object.keys(FIELDS) as Field[])).chain((field) => {
  const value = FIELDS[field] as fc.Arbitrary<unknown>;
  return fc.tuple(fc.constant(field), field === 'description' ? value : fc.option(value, { nil: undefined }));
});

/** What a value means, said without the code under test: defaults and empty things are left out, sets are sorted. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) return typeof value[0] === 'number' ? [...value].sort() : value.map(meaning);
  if (typeof value !== 'object' || value === null) return value;
  const isNothing = (each: unknown) =>
    each === null || each === false || (typeof each === 'object' && Object.keys(each).length === 0);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined && !isNothing(each));
  return Object.fromEntries(entries.map(([key, each]) => [key, meaning(each)]));
}
/** The fields of a definition, or of what the local Discord keeps. */
function ours(command: object): unknown {
  const all = { integration_types: [0, 1], ...command };
  return meaning(Object.fromEntries(Object.keys(FIELDS).map((key) => [key, (all as Record<string, unknown>)[key]])));
}
const sameMeaning = (a: object, b: object) => JSON.stringify(sortKeys(ours(a))) === JSON.stringify(sortKeys(ours(b)));
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, each]) => [key, sortKeys(each)]),
  );
}

describe('the registrar, for any definition', () => {
  const simulator = new Simulator({ rateLimits: false, globalRequestsPerSecond: Number.POSITIVE_INFINITY });
  const dataDir = mkdtempSync(join(tmpdir(), 'kallisti-commands-'));
  const log = memoryLogger();
  const sent: { how: 'POST' | 'PATCH'; body: object }[] = [];
  let api: DiscordApi;
  beforeAll(async () => {
    await simulator.start();
    api = new DiscordApi({ token: simulator.token, apiUrl: simulator.url });
    simulator.commands.upsert({ name: 'foreign', description: 'Not ours.', nsfw: true });
  });
  afterAll(async () => {
    api.close();
    await simulator.stop();
    rmSync(dataDir, { recursive: true });
  });

  const one = () => simulator.commands.list().find(({ name }) => name === 'one');
  const others = () => simulator.commands.list().filter(({ name }) => name !== 'one');
  /** @returns what was sent */
  async function register(fields: Fields) {
    sent.length = 0;
    const spied = {
      getIntegrationTypes: () => api.getIntegrationTypes(),
      getCommands: (id: string) => api.getCommands(id),
      deleteCommand: (id: string, command: string) => api.deleteCommand(id, command),
      overwriteCommands: () => Promise.reject(new Error('there is a foreign command')),
      createCommand: (id: string, body: CommandDefinition) => {
        sent.push({ how: 'POST', body });
        return api.createCommand(id, body);
      },
      editCommand: (id: string, command: string, body: object) => {
        sent.push({ how: 'PATCH', body });
        return api.editCommand(id, command, body);
      },
    };
    const registrar = new CommandRegistrar(spied, new CommandRecord(dataDir, log.logger), log.logger);
    const result = await registrar.register(simulator.applicationId, [
      { name: 'one', ...fields },
      { name: 'two', description: 'Stays.' },
    ]);
    expect(log.warnings()).toEqual([]);
    expect(result).toBe(sent.length === 0 ? 'unchanged' : 'changed');
    return [...sent];
  }

  it('sends exactly the one field that changed, and nothing at the next start', async () => {
    await register({ description: 'First.' });
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(anyFields, anyChange, async (before, [field, value]) => {
        await register(before);
        expect(await register(before)).toEqual([]);
        const untouched = others();
        const { [field]: _, ...rest } = before;
        const after = { ...rest, ...(value === undefined ? {} : { [field]: value }) } as Fields;

        const writes = await register(after);
        if (sameMeaning(before, after)) {
          expect(writes).toEqual([]);
        } else if (field === 'contexts' && value === undefined) {
          expect(writes).toEqual([{ how: 'POST', body: { name: 'one', ...after } }]);
        } else {
          changes += 1;
          expect(writes).toMatchObject([{ how: 'PATCH' }]);
          expect(Object.keys(writes[0]?.body ?? {})).toEqual([field]);
        }
        expect(ours(one() ?? {})).toEqual(ours(after));
        expect(others()).toEqual(untouched);
        expect(await register(after)).toEqual([]);
      }),
      { numRuns: 200 },
    );
    expect(changes).toBeGreaterThan(50);
  }, 60_000);

  it('puts right any field that somebody else has changed, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(anyFields, anyChange, async (fields, [field, value]) => {
        await register(fields);
        const before = one();
        if (value !== undefined) simulator.commands.patch(before?.id ?? '', { [field]: value });
        const isSame = sameMeaning(before ?? {}, one() ?? {});
        expect(await register(fields)).toHaveLength(isSame ? 0 : 1);
        expect(ours(one() ?? {})).toEqual(ours(fields));
        expect(one()?.id).toBe(before?.id);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});

describe('commandFields', () => {
  const changed = (a: object, b: object) => changedFields(commandFields(a, [0]), commandFields(b, [0]));
  const command = { name: 'x', description: 'X.' };

  it('takes a field that is left out for its default in Discord', () => {
    const options = [{ type: 3, name: 'a', description: 'A.' }];
    const kept = {
      ...{ ...command, id: '1', application_id: '2', version: '3', type: 1, dm_permission: true },
      ...{ name_localizations: null, description_localizations: {}, default_member_permissions: null },
      ...{ default_permission: true, nsfw: false, contexts: null, integration_types: [0] },
      options: [{ ...options[0], name_localizations: null, required: false, choices: [], autocomplete: false }],
    };
    expect(changed({ ...command, options }, kept)).toEqual([]);
  });

  it.each([
    ['default_member_permissions', { default_member_permissions: '0' }],
    ['default_permission', { default_permission: false }],
    ['contexts', { dm_permission: false }],
    ['contexts', { contexts: [0, 1, 2] }],
    ['integration_types', { integration_types: [0, 1] }],
    ['options', { options: [{ type: 7, name: 'a', description: 'A.', channel_types: [0] }] }],
  ])('sees that %s is not the default in %j', (field, fields) => {
    expect(changed(command, { ...command, ...fields })).toEqual([field]);
  });

  it('sees a change of any field of an option', () => {
    const option = { type: 3, name: 'a', description: 'A.' };
    const others = {
      ...{ type: 4, name: 'b', description: 'B.', required: true, autocomplete: true, min_value: 0, max_value: 0 },
      ...{ min_length: 0, max_length: 1, choices: [{ name: 'a', value: 'a' }] },
      ...{ name_localizations: { de: 'x' }, description_localizations: { de: 'x' } },
    } satisfies Record<keyof typeof OPTION_FIELDS, unknown>;
    for (const [field, value] of Object.entries(others)) {
      const changedOption = { ...option, [field]: value };
      expect(changed({ ...command, options: [option] }, { ...command, options: [changedOption] }), field).toEqual([
        'options',
      ]);
    }
    expect(
      changed({ options: [option, { ...option, name: 'b' }] }, { options: [{ ...option, name: 'b' }, option] }),
    ).toEqual(['options']);
  });

  it('does not fall over what Discord never sends', () => {
    for (const garbage of [{ options: 'x' }, { options: [null, 1] }, { contexts: 5, name_localizations: 'x' }]) {
      expect(() => changed(command, garbage)).not.toThrow();
    }
  });
});
