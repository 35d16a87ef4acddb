import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandDefinition } from '../../../src/core/contracts/ClusterContract.js';
import { CommandRegistrar, sameCommands } from '../../../src/master/discord/CommandRegistrar.js';
import { DiscordApi } from '../../../src/master/discord/DiscordApi.js';
import { Simulator } from '../../../src/simulator/index.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const commands: readonly CommandDefinition[] = [
  { name: 'ping', description: 'Says pong' },
  {
    name: 'loglevel',
    description: 'Sets the log level',
    options: [
      {
        type: 3,
        name: 'level',
        description: 'How much to log',
        required: true,
        choices: [
          { name: 'info', value: 'info' },
          { name: 'debug', value: 'debug' },
        ],
      },
      { type: 4, name: 'cluster', description: 'Only there', required: false },
    ],
  },
];

describe('against the local Discord', () => {
  const simulator = new Simulator();
  const api = new DiscordApi({ token: simulator.options.token, apiUrl: 'http://127.0.0.1:1' });
  let real: DiscordApi;
  let log: ReturnType<typeof memoryLogger>;
  let registrar: CommandRegistrar;
  beforeAll(async () => {
    await simulator.start();
    real = new DiscordApi({ token: simulator.token, apiUrl: simulator.url });
  });
  afterAll(async () => {
    api.close();
    real.close();
    await simulator.stop();
  });
  beforeEach(() => {
    log = memoryLogger();
    registrar = new CommandRegistrar(real, log.logger);
  });
  afterEach(() => simulator.faults.clear());

  it('writes them once, and not again while they are the same', async () => {
    expect(await registrar.register(simulator.applicationId, commands)).toBe('changed');
    expect(await registrar.register(simulator.applicationId, commands)).toBe('unchanged');
    expect(await registrar.register(simulator.applicationId, [...commands].reverse())).toBe('unchanged');
    expect(simulator.account.rest.byRoute['PUT /applications/:applicationId/commands']).toBe(1);
    expect(log.warnings()).toEqual([]);
  });

  it('writes them when one has changed, and removes those that are no more', async () => {
    await registrar.register(simulator.applicationId, commands);
    expect(await registrar.register(simulator.applicationId, commands.slice(0, 1))).toBe('changed');
    expect((await real.getCommands(simulator.applicationId)).map(({ name }) => name)).toEqual(['ping']);
  });

  it('writes them where the API does not say what it has', async () => {
    for (const status of [404, 405]) {
      simulator.faults.failRest({ route: '/commands', status, times: 1 });
      expect(await registrar.register(simulator.applicationId, commands)).toBe('changed');
    }
  });

  it('warns and goes on when it cannot write, or not even read', async () => {
    simulator.faults.failRest({ route: '/commands', status: 500 });
    expect(await registrar.register(simulator.applicationId, commands)).toBe('failed');
    expect(await new CommandRegistrar(api, log.logger).register('1', commands)).toBe('failed');
    expect(log.warnings()).toHaveLength(2);
  });
});

describe('sameCommands', () => {
  const discord = (changes: object = {}) => [
    {
      ...commands[0],
      id: '1',
      application_id: '2',
      version: '3',
      type: 1,
      nsfw: false,
      default_member_permissions: null,
      ...changes,
    },
    {
      ...commands[1],
      id: '2',
      options: [
        { ...commands[1]?.options?.[0], name_localizations: null },
        { type: 4, name: 'cluster', description: 'Only there' },
      ],
    },
  ];

  it('does not mind what Discord adds, or leaves out as a default', () => {
    expect(sameCommands(commands, discord())).toBe(true);
    expect(sameCommands(commands, discord({ options: [] }))).toBe(true);
  });

  it('sees a difference in whatever we define', () => {
    expect(sameCommands(commands, discord({ description: 'Says ping' }))).toBe(false);
    expect(sameCommands(commands, discord({ options: [{ type: 3, name: 'a', description: 'b' }] }))).toBe(false);
    expect(sameCommands(commands, discord({ type: 2 }))).toBe(false);
    expect(sameCommands(commands, discord().slice(1))).toBe(false);
    expect(sameCommands(commands.slice(1), discord())).toBe(false);
    expect(sameCommands(commands, ['garbage'])).toBe(false);
  });
});
