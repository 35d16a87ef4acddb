import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';

const COUNT = 500;
const discord = new Simulator({ guildCount: COUNT, guildShape: { members: 9, channels: 7, threads: 2 } });

describe('the seeded world', () => {
  it('spreads guilds evenly over shards, and the ids of a shard fit the formula', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (shardCount) => {
        const perShard = Array.from({ length: shardCount }, (_, id) => discord.guildIdsOfShard(id, shardCount));
        expect(perShard.flat().sort()).toEqual(discord.guildIds.sort());
        for (const [id, guildIds] of perShard.entries()) {
          expect(Math.abs(guildIds.length - COUNT / shardCount)).toBeLessThan(1);
          for (const guildId of guildIds) expect(Number((BigInt(guildId) >> 22n) % BigInt(shardCount))).toBe(id);
        }
      }),
    );
  });

  it('gives everything in it an id of its own, and of the right kind', () => {
    const ids = new Set<string>();
    let count = 0;
    for (const guildId of discord.guildIds) {
      const guild = discord.guilds.get(guildId);
      const things = [...guild.channels, ...guild.threads, ...guild.emojis, ...guild.roles.slice(1)];
      for (const thing of [guild, ...things]) {
        expect(thing.id).toMatch(/^\d{17,20}$/);
        ids.add(String(thing.id));
        count++;
      }
      expect(guild.roles[0]?.id).toBe(guildId);
      expect(guild.member_count).toBe(9);
      expect(new Set(guild.members.map((member) => member.user.id)).size).toBe(9);
      expect(guild.members.map((member) => member.user.id)).toContain(guild.owner_id);
    }
    expect(ids.size).toBe(count);
  });

  it('names the same members and channels whether asked for one or for all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: COUNT - 1 }), fc.nat(50), (guild, choice) => {
        const guildId = discord.guildIds[guild] ?? '';
        const truth = discord.guilds.get(guildId);
        const humans = truth.members.filter((member) => member.user.bot !== true);
        expect(discord.memberIdOf(guildId, choice)).toBe(humans[choice % humans.length]?.user.id);
        expect(truth.channels.find((channel) => channel.type === 0)?.id).toBe(discord.channelIdOf(guildId));
      }),
    );
  });

  it('changes only where something happens', () => {
    const [first = '', second = ''] = discord.guildIds;
    const before = [discord.guilds.get(first), discord.guilds.get(second)];
    const role = discord.guilds.createRole(first, { name: 'new' });
    expect(discord.guilds.get(first)).toEqual({ ...before[0], roles: [...(before[0]?.roles ?? []), role] });
    expect(discord.guilds.get(second)).toEqual(before[1]);
    discord.guilds.deleteRole(first, role.id);
    expect(discord.guilds.get(first)).toEqual(before[0]);
  });

  it('says what does not exist', () => {
    const [guildId = ''] = discord.guildIds;
    expect(() => discord.guilds.get('123456789012345678')).toThrow('no guild 123456789012345678');
    expect(() => discord.guilds.updateRole(guildId, '1', {})).toThrow('no role 1');
    expect(() => discord.guilds.updateMember(guildId, '1', {})).toThrow('no member 1');
    expect(() => discord.guilds.deleteChannel('1')).toThrow('no guild channel 1');
    expect(() => discord.runCommand({ name: 'x', guildId: '1' })).toThrow('no such channel');
  });
});

describe('options', () => {
  it.each([
    [{ host: '0.0.0.0' }, 'host must be a loopback address, not "0.0.0.0"'],
    [{ token: '' }, 'token must not be empty'],
    [{ guildCount: -1 }, 'guildCount must be at least 0, not -1'],
    [{ maxConcurrency: 0 }, 'maxConcurrency must be at least 1, not 0'],
    [{ heartbeatIntervalMs: Number.NaN }, 'heartbeatIntervalMs must be at least 1, not NaN'],
  ])('refuse %o', (options, message) => {
    expect(() => new Simulator(options)).toThrow(new RangeError(message));
  });

  it('leave out what is undefined', () => {
    expect(new Simulator({ shardCount: undefined } as never).options.shardCount).toBe(1);
  });
});
