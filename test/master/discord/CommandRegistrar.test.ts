import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandDefinition } from '../../../src/core/contracts/ClusterContract.js';
import { CommandRecord } from '../../../src/master/discord/CommandRecord.js';
import { CommandRegistrar } from '../../../src/master/discord/CommandRegistrar.js';
import { DiscordApi, type RegisteredCommand } from '../../../src/master/discord/DiscordApi.js';
import { Simulator } from '../../../src/simulator/index.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const ping: CommandDefinition = { name: 'ping', description: 'Says pong' };
const loglevel: CommandDefinition = {
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
};
const foreign = { name: 'foreign', description: 'Registered by the bot’s own code.', default_member_permissions: '8' };
const WRITES = ['POST', 'PATCH', 'PUT', 'DELETE'];

const simulator = new Simulator({ rateLimits: false, globalRequestsPerSecond: Number.POSITIVE_INFINITY });
let api: DiscordApi;
let log: ReturnType<typeof memoryLogger>;
let dataDir: string;

beforeAll(async () => {
  await simulator.start();
  api = new DiscordApi({ token: simulator.token, apiUrl: simulator.url });
});
afterAll(async () => {
  api.close();
  await simulator.stop();
});
beforeEach(() => {
  log = memoryLogger();
  dataDir = mkdtempSync(join(tmpdir(), 'kallisti-commands-'));
});
afterEach(() => {
  simulator.faults.clear();
  for (const { id } of simulator.commands.list()) simulator.commands.delete(id);
  rmSync(dataDir, { recursive: true });
});

/** As the next start of the bot does it: nothing is left in memory of the last one. */
const register = (...definitions: CommandDefinition[]) =>
  new CommandRegistrar(api, new CommandRecord(dataDir, log.logger), log.logger).register(
    simulator.applicationId,
    definitions,
  );
const inDiscord = () => simulator.commands.list();
const names = () =>
  inDiscord()
    .map(({ name }) => name)
    .sort();
/** Messages at level info. */
const said = () => log.lines.filter(({ level }) => level === 30).map(({ msg }) => msg);
/** Requests that change commands, since the last look. */
let seen: Record<string, number> = {};
function writes(): Record<string, number> {
  const all = Object.entries(simulator.account.rest.byRoute).filter(([route]) =>
    WRITES.includes(route.split(' ')[0] ?? ''),
  );
  const counts = all.map(([route, count]) => [route.replace(/ .*commands/, ' commands'), count - (seen[route] ?? 0)]);
  seen = Object.fromEntries(all);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}
beforeEach(() => writes());

describe('the registrar', () => {
  it('writes commands once, and not again while they are the same in whatever order', async () => {
    expect(await register(ping, loglevel)).toBe('changed');
    // Discord has none yet, so nobody's can be lost: one request.
    expect(writes()).toEqual({ 'PUT commands': 1 });
    expect(await register(ping, loglevel)).toBe('unchanged');
    expect(await register(loglevel, ping)).toBe('unchanged');
    expect(writes()).toEqual({});
    expect(said()).toEqual(['slash commands: added ping, loglevel']);
    expect(log.warnings()).toEqual([]);
  });

  it('writes each command by itself where somebody else has one', async () => {
    simulator.commands.upsert(foreign);
    await register(ping, loglevel);
    expect(writes()).toEqual({ 'POST commands': 2 });
    expect(names()).toEqual(['foreign', 'loglevel', 'ping']);
  });

  it('forgets what was removed from Discord behind its back', async () => {
    await register(ping, loglevel);
    for (const { id } of inDiscord()) simulator.commands.delete(id);
    const user: CommandDefinition = { name: 'user', description: 'Finds a user' };
    await register(ping, user);
    expect(names()).toEqual(['ping', 'user']);
    writes();
    await register(ping);
    expect(writes()).toEqual({ 'DELETE commands/:commandId': 1 });
    expect(names()).toEqual(['ping']);
  });

  it('sends a change of permissions, and nothing else', async () => {
    await register(ping, loglevel);
    const [, before] = inDiscord();
    writes();
    expect(await register({ ...ping, default_member_permissions: '4' }, loglevel)).toBe('changed');
    expect(writes()).toEqual({ 'PATCH commands/:commandId': 1 });
    expect(inDiscord()).toMatchObject([
      { name: 'ping', default_member_permissions: '4' },
      { version: before?.version },
    ]);
    await register(ping, loglevel);
    expect(inDiscord()).toMatchObject([
      { name: 'ping', default_member_permissions: null },
      { version: before?.version },
    ]);
    expect(said().slice(1)).toEqual([
      'slash commands: changed ping (default_member_permissions)',
      'slash commands: changed ping (default_member_permissions)',
    ]);
  });

  it('puts right what somebody else has changed in a command of ours', async () => {
    await register(ping);
    const id = inDiscord()[0]?.id ?? '';
    simulator.commands.patch(id, { default_member_permissions: '8', contexts: [0], nsfw: true });
    expect(await register(ping)).toBe('changed');
    expect(inDiscord()).toMatchObject([{ id, default_member_permissions: null, contexts: null, nsfw: false }]);
    expect(await register(ping)).toBe('unchanged');
  });

  it('leaves commands of others as they are', async () => {
    simulator.commands.upsert(foreign);
    simulator.commands.upsert({ name: 'ping', type: 2 });
    const before = inDiscord();
    await register(ping, loglevel);
    await register(loglevel);
    await register({ ...loglevel, nsfw: true });
    expect(inDiscord().slice(0, 2)).toEqual(before);
    expect(names()).toEqual(['foreign', 'loglevel', 'ping']);
  });

  it('removes what it had registered and the code no longer defines', async () => {
    simulator.commands.upsert(foreign);
    await register(ping, loglevel);
    expect(await register(loglevel)).toBe('changed');
    expect(names()).toEqual(['foreign', 'loglevel']);
    expect(said().at(-1)).toBe('slash commands: removed ping');
    writes();
    expect(await register(loglevel)).toBe('unchanged');
    expect(writes()).toEqual({});
  });

  it('does not remove a command of that name that somebody else has made since', async () => {
    await register(ping, loglevel);
    simulator.commands.delete(inDiscord()[0]?.id ?? '');
    simulator.commands.upsert({ ...ping });
    expect(await register(loglevel)).toBe('unchanged');
    expect(names()).toEqual(['loglevel', 'ping']);
  });

  it('removes a command before it adds one: Discord takes a hundred', async () => {
    for (let count = 0; count < 99; count++) simulator.commands.upsert({ ...foreign, name: `foreign${count}` });
    await register(ping);
    expect(await register(loglevel)).toBe('changed');
    expect(names()).toHaveLength(100);
  });

  it.each([
    ['missing', () => rmSync(join(dataDir, 'commands.json'))],
    ['damaged', () => writeFileSync(join(dataDir, 'commands.json'), '{"version":1,')],
    [
      'that of another application',
      () => {
        const path = join(dataDir, 'commands.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace(simulator.applicationId, '1'));
      },
    ],
  ])('removes nothing where its record is %s, and says what is there', async (_, lose) => {
    await register(ping, loglevel);
    lose();
    expect(await register(loglevel)).toBe('unchanged');
    expect(names()).toEqual(['loglevel', 'ping']);
    const told = 'Discord has commands that this bot does not define, and they are left as they are: ping';
    expect(said().at(-1)).toBe(told);
    // From then on there is a record again.
    expect(await register()).toBe('changed');
    expect(names()).toEqual(['ping']);
  });

  it('goes on where one that was killed had stopped', async () => {
    const dying = Object.create(api, {
      createCommand: {
        value: async (applicationId: string, command: CommandDefinition) => {
          if (command.name === 'loglevel') throw new Error('killed');
          return api.createCommand(applicationId, command);
        },
      },
    }) as DiscordApi;
    const record = new CommandRecord(dataDir, log.logger);
    const registrar = new CommandRegistrar(dying, record, log.logger);
    expect(await registrar.register(simulator.applicationId, [ping, loglevel])).toBe('failed');
    expect(await register(loglevel)).toBe('changed');
    expect(names()).toEqual(['loglevel']);
  });

  it('registers the others where Discord refuses one', async () => {
    await register(ping);
    const result = await register({ ...ping, description: '' }, { name: 'NOT VALID', description: 'x' }, loglevel);
    expect(result).toBe('failed');
    expect(inDiscord()).toMatchObject([{ name: 'ping', description: 'Says pong' }, { name: 'loglevel' }]);
    expect(log.warnings()).toEqual([
      'Discord refuses the slash command ping; it stays as it was',
      'Discord refuses the slash command NOT VALID; it stays as it was',
    ]);
  });

  it('writes its commands, and removes its own, where the API does not say what it has', async () => {
    simulator.commands.upsert(foreign);
    await register(ping, loglevel);
    for (const [status, nsfw] of [
      [404, true],
      [405, false],
    ] as const) {
      simulator.faults.failRest({ route: '/commands?', status, times: 2 });
      expect(await register({ ...loglevel, nsfw })).toBe('changed');
      expect(inDiscord()).toMatchObject([{ name: 'foreign' }, { name: 'loglevel', nsfw }]);
      expect(await register({ ...loglevel, nsfw })).toBe('unchanged');
    }
    expect(said().slice(2)).toEqual([
      'slash commands: changed loglevel; removed ping',
      'slash commands: changed loglevel',
    ]);
  });

  it('warns and goes on when it cannot write, or not even read', async () => {
    await register(ping);
    simulator.faults.failRest({ route: '/commands', status: 500 });
    expect(await register(ping, loglevel)).toBe('failed');
    const away = new DiscordApi({ token: simulator.token, apiUrl: 'http://127.0.0.1:1' });
    const registrar = new CommandRegistrar(away, new CommandRecord(dataDir, log.logger), log.logger);
    expect(await registrar.register('1', [ping])).toBe('failed');
    away.close();
    expect(log.warnings()).toHaveLength(2);
    expect(names()).toEqual(['ping']);
  });

  it('registers although its record cannot be written, and says so once', async () => {
    rmSync(dataDir, { recursive: true });
    expect(await register(ping, loglevel)).toBe('changed');
    expect(log.warnings()).toEqual([expect.stringMatching(/commands\.json cannot be written/)]);
    dataDir = mkdtempSync(join(tmpdir(), 'kallisti-commands-'));
  });

  it('asks a cluster which commands there are, and warns where that does not say', async () => {
    const registrar = new CommandRegistrar(api, new CommandRecord(dataDir, log.logger), log.logger);
    const cluster = (answer: Promise<unknown>) => ({ request: <Reply>() => answer as Promise<Reply> });
    await registrar.registerFrom(cluster(Promise.reject(new Error('it has ended'))), simulator.applicationId);
    expect(log.warnings()).toEqual(['the slash commands were not registered']);
    expect(names()).toEqual([]);
    await registrar.registerFrom(cluster(Promise.resolve([ping])), simulator.applicationId);
    expect(names()).toEqual(['ping']);
  });

  it('says nothing when the master stops meanwhile', async () => {
    const stopping = new DiscordApi({ token: simulator.token, apiUrl: simulator.url });
    simulator.faults.slowRest({ route: 'POST /', delayMs: 2_000 });
    const registrar = new CommandRegistrar(stopping, new CommandRecord(dataDir, log.logger), log.logger);
    const result = registrar.register(simulator.applicationId, [ping]);
    await expect.poll(() => Object.keys(writes())).toEqual(['POST commands']);
    stopping.close();
    expect(await result).toBe('failed');
    expect(log.warnings()).toEqual([]);
  });

  it('does not send again what Discord keeps in another form, until either side changes', async () => {
    // A Discord that keeps descriptions without a full stop.
    const normalise = (command: RegisteredCommand) => ({
      ...command,
      description: String(command.description).replace('.', ''),
    });
    const strange = {
      getIntegrationTypes: () => api.getIntegrationTypes(),
      getCommands: async (id: string) => (await api.getCommands(id)).map(normalise),
      overwriteCommands: async (id: string, commands: readonly CommandDefinition[]) =>
        (await api.overwriteCommands(id, commands)).map(normalise),
      createCommand: async (id: string, command: CommandDefinition) => normalise(await api.createCommand(id, command)),
      editCommand: async (id: string, command: string, body: object) =>
        normalise(await api.editCommand(id, command, body)),
      deleteCommand: (id: string, command: string) => api.deleteCommand(id, command),
    };
    const registrar = new CommandRegistrar(strange, new CommandRecord(dataDir, log.logger), log.logger);
    const run = (description: string) => registrar.register(simulator.applicationId, [{ ...ping, description }]);
    expect(await run('Pongs.')).toBe('changed');
    expect(await run('Pongs.')).toBe('unchanged');
    expect(await run('Pongs!')).toBe('changed');
    expect(await run('Pongs!')).toBe('unchanged');
    simulator.commands.patch(inDiscord()[0]?.id ?? '', { nsfw: true });
    expect(await run('Pongs!')).toBe('changed');
  });
});
