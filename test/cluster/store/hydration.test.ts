import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommitSchedule } from '../../../src/cluster/store/CommitSchedule.js';
import { Hydration } from '../../../src/cluster/store/Hydration.js';
import { mergeGuild } from '../../../src/cluster/store/mergeGuild.js';
import type { GuildPayload } from '../../../src/cluster/store/stateData.js';
import { type Seed, seededGuild } from '../../../src/simulator/world/seededGuild.js';
import { cacheOf, departedIn } from './cacheOf.js';
import { BOT, Feed, OfflineClient, openStore, temporaryFolder } from './support.js';
import { ACTION_COUNT, type Step, World } from './World.js';

const number = fc.nat(1_000);
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.nat(ACTION_COUNT - 1),
  guild: number,
  subject: number,
  value: number,
});
const history = fc.array(step, { minLength: 5, maxLength: 120 });

describe('a client that was filled from the store', () => {
  it('has cached what a client has that was there all the time, whatever happened', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(120), async (steps, hydratedAfter) => {
        const folder = temporaryFolder();
        const { store: writing } = await openStore(folder, { schedule: new CommitSchedule(0) });
        const { store: reading } = await openStore(folder);
        await writing.takeOver();
        const stock = new OfflineClient();
        const hydrated = new OfflineClient();
        const hydration = new Hydration(hydrated, reading);
        const world = new World();
        const feed = new Feed(writing, stock.handle);
        feed.ready();

        for (const [index, next] of [{ action: 0, guild: 0, subject: 0, value: 1 }, ...steps].entries()) {
          for (const { t, d } of world.step(next)) feed.dispatch(t, d);
          if (index !== hydratedAfter) continue;
          await writing.commit();
          await hydration.run();
          expect(cacheOf(hydrated.client)).toEqual(cacheOf(stock.client));
        }
        await writing.release();
        if (hydratedAfter > steps.length) await hydration.run();
        await reading.takeOver();
        await hydration.refresh();

        expect(cacheOf(hydrated.client)).toEqual(cacheOf(stock.client));
        expect(departedIn(hydrated.client)).toEqual([]);
        expect(hydrated.events).toEqual([]);
        expect(hydrated.client.user.id).toBe(stock.client.user.id);
        await Promise.all([writing.close(), reading.close()]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what stock eris makes less of than Discord tells', () => {
  /** A client that was filled after these dispatches. */
  async function hydrated(...dispatches: readonly (readonly [t: string, d: object])[]): Promise<OfflineClient> {
    const folder = temporaryFolder();
    const { store } = await openStore(folder);
    await store.takeOver();
    const feed = new Feed(store);
    feed.ready();
    for (const [t, d] of dispatches) feed.dispatch(t, d);
    await store.commit();
    const target = new OfflineClient();
    await new Hydration(target, store).run();
    expect(target.events).toEqual([]);
    return target;
  }

  const user = { id: '500', username: 'somebody' };
  const thread = { type: 11, thread_metadata: {}, owner_id: '500' };
  const GUILD = {
    id: '10',
    name: 'a guild',
    channels: [
      { id: '11', type: 0, name: 'text' },
      { id: '12', type: 13, name: 'stage' },
      { id: '13', type: 2, name: 'voice' },
    ],
    threads: [
      { ...thread, id: '20', parent_id: '11' },
      { ...thread, id: '21', parent_id: '11' },
      { ...thread, id: '22', parent_id: '12' },
    ],
    members: [{ user, roles: [] }],
    stage_instances: [{ id: '30', guild_id: '10', channel_id: '12', topic: 'a topic' }],
    guild_scheduled_events: [{ id: '40', channel_id: '12', creator: { id: '501', username: 'gone' }, user_count: 2 }],
    presences: [{ user: { id: '500' }, status: 'online', activities: [] }],
    member_count: 1,
  };

  it('has stage instances of their guild and channel, and scheduled events', async () => {
    const { client } = await hydrated(
      ['GUILD_CREATE', GUILD],
      ['GUILD_SCHEDULED_EVENT_USER_ADD', { guild_id: '10', guild_scheduled_event_id: '40', user_id: '500' }],
    );
    const guild = client.guilds.get('10');
    const stage = guild?.stageInstances.get('30');
    expect(stage?.guild).toBe(guild);
    expect(stage?.channel).toBe(guild?.channels.get('12'));
    const event = guild?.events.get('40');
    expect((event as { channel?: unknown } | undefined)?.channel).toBe(guild?.channels.get('12'));
    expect(event?.userCount).toBe(3);
    expect(event?.creator).toBe(client.users.get('501'));
    expect(event?.creator?.mention).toBe('<@501>');
  });

  it('has the members of threads, and who they are in the guild', async () => {
    const { client } = await hydrated(
      ['GUILD_CREATE', GUILD],
      [
        'THREAD_LIST_SYNC',
        { guild_id: '10', threads: GUILD.threads, members: [{ id: '20', user_id: BOT.id, flags: 1 }] },
      ],
      [
        'THREAD_MEMBERS_UPDATE',
        { guild_id: '10', id: '21', member_count: 1, added_members: [{ id: '21', user_id: '500', member: { user } }] },
      ],
    );
    const guild = client.guilds.get('10');
    expect(guild?.threads.get('20')?.members.get(BOT.id)).toMatchObject({ threadID: '20', flags: 1 });
    expect(guild?.threads.get('21')?.members.get('500')?.guildMember).toBe(guild?.members.get('500'));
  });

  it('has lost the threads of a channel that it is told of anew', async () => {
    const { client } = await hydrated(
      ['GUILD_CREATE', GUILD],
      ['THREAD_LIST_SYNC', { guild_id: '10', channel_ids: ['11'], threads: [GUILD.threads[1]], members: [] }],
    );
    expect([...(client.guilds.get('10')?.threads.keys() ?? [])]).toEqual(['21', '22']);
    expect(client.threadGuildMap).toEqual({ 21: '10', 22: '10' });
  });

  it('knows the last pin of every channel', async () => {
    const { client } = await hydrated(
      ['GUILD_CREATE', GUILD],
      ['CHANNEL_PINS_UPDATE', { guild_id: '10', channel_id: '13', last_pin_timestamp: '2026-01-01T00:00:00Z' }],
    );
    expect(client.guilds.get('10')?.channels.get('13')).toMatchObject({ lastPinTimestamp: Date.UTC(2026, 0, 1) });
  });

  it('knows nobody to be online', async () => {
    const { client } = await hydrated(['GUILD_CREATE', GUILD]);
    expect(client.guilds.get('10')?.members.get('500')?.status).toBeUndefined();
  });

  it('waits for unavailable guilds, and has forgotten those that were left', async () => {
    const { client } = await hydrated(
      ['GUILD_CREATE', GUILD],
      ['GUILD_CREATE', { id: '50' }],
      ['GUILD_CREATE', { id: '60' }],
      ['GUILD_DELETE', { id: '10', unavailable: true }],
      ['GUILD_DELETE', { id: '50' }],
    );
    expect([...client.guilds.keys()]).toEqual(['60']);
    expect([...client.unavailableGuilds.keys()]).toEqual(['10']);
    expect(client.guildShardMap).toEqual({ 60: 0 });
    expect(client.channelGuildMap).toEqual({});
  });

  it('is filled with the user that the bot is, as a member too', async () => {
    const { client } = await hydrated(['GUILD_CREATE', { ...GUILD, members: [{ user: BOT, roles: [] }] }]);
    expect(client.guilds.get('10')?.members.get(BOT.id)?.user).toBe(client.user);
    expect(client.application?.id).toBe('901');
  });
});

describe('what Discord does not list any more', () => {
  const user = { id: '500', username: 'somebody' };
  const thread = { id: '20', type: 11, parent_id: '11', owner_id: '500' };
  const metadata = { auto_archive_duration: 60, locked: false };
  const open = { ...thread, thread_metadata: { ...metadata, archived: false } };
  const archived = { ...thread, thread_metadata: { ...metadata, archived: true } };
  const event = { id: '40', guild_id: '10', name: 'an event', status: 1 };
  const GUILD = {
    id: '10',
    channels: [
      { id: '11', type: 0 },
      { id: '12', type: 13 },
    ],
    threads: [open],
    members: [{ user, roles: [] }],
    voice_states: [{ user_id: '500', channel_id: '12' }],
    stage_instances: [{ id: '30', guild_id: '10', channel_id: '12' }],
    guild_scheduled_events: [event],
    member_count: 1,
  };
  const joined = { guild_id: '10', id: '20', member_count: 1, added_members: [{ id: '20', user_id: '500' }] };

  /** The guild after these dispatches, before and after its rows were made one. */
  async function guildAfter(...dispatches: readonly (readonly [t: string, d: object])[]): Promise<GuildPayload> {
    const { store } = await openStore(temporaryFolder());
    await store.takeOver();
    const feed = new Feed(store);
    feed.ready();
    feed.dispatch('GUILD_CREATE', GUILD);
    for (const [t, d] of dispatches) feed.dispatch(t, d);
    store.commit();
    const before = store.readGuild('10')?.guild;
    // More rows than a guild may have.
    for (let index = 0; index < 300; index++)
      feed.dispatch('GUILD_ROLE_CREATE', { guild_id: '10', role: { id: `r${index}` } });
    store.commit();
    await setImmediate();
    store.commit();
    const { roles: _, ...after } = store.readGuild('10')?.guild ?? ({} as GuildPayload);
    expect(after).toEqual(before);
    return after;
  }

  it('leaves: an archived thread, with its members', async () => {
    const guild = await guildAfter(
      ['THREAD_MEMBERS_UPDATE', joined],
      ['THREAD_UPDATE', { ...archived, guild_id: '10' }],
      ['CHANNEL_PINS_UPDATE', { guild_id: '10', channel_id: '20', last_pin_timestamp: '2026-01-01T00:00:00Z' }],
    );
    expect(guild).toMatchObject({ threads: [], thread_members: [] });
  });

  it('comes back: a thread that is archived no more', async () => {
    const guild = await guildAfter(
      ['THREAD_UPDATE', { ...archived, guild_id: '10' }],
      ['THREAD_UPDATE', { ...open, guild_id: '10', name: 'again' }],
    );
    expect(guild.threads).toEqual([expect.objectContaining({ id: '20', name: 'again' })]);
  });

  it('leaves: the threads, the stage and the voice states of a channel that was deleted', async () => {
    const guild = await guildAfter(
      ['THREAD_MEMBERS_UPDATE', joined],
      ['CHANNEL_DELETE', { guild_id: '10', id: '11', type: 0 }],
      ['CHANNEL_DELETE', { guild_id: '10', id: '12', type: 13 }],
    );
    expect(guild).toMatchObject({ threads: [], thread_members: [], stage_instances: [], voice_states: [] });
  });

  it.each([3, 4])('leaves: a scheduled event of status %i, which is over', async (status) => {
    const guild = await guildAfter(['GUILD_SCHEDULED_EVENT_UPDATE', { ...event, status }]);
    expect(guild.guild_scheduled_events).toEqual([]);
  });

  it('stays: a scheduled event that has begun', async () => {
    const guild = await guildAfter(['GUILD_SCHEDULED_EVENT_UPDATE', { ...event, status: 2 }]);
    expect(guild.guild_scheduled_events).toMatchObject([{ id: '40', status: 2 }]);
  });

  it('leaves: a sound of the soundboard that was deleted', async () => {
    const sound = { guild_id: '10', name: 'a sound' };
    const guild = await guildAfter(
      ['GUILD_SOUNDBOARD_SOUND_CREATE', { ...sound, sound_id: '60' }],
      ['GUILD_SOUNDBOARD_SOUND_CREATE', { ...sound, sound_id: '61' }],
      ['GUILD_SOUNDBOARD_SOUND_DELETE', { guild_id: '10', sound_id: '60' }],
      ['GUILD_SOUNDBOARD_SOUNDS_UPDATE', { guild_id: '10', soundboard_sounds: [{ sound_id: '61', volume: 1 }] }],
    );
    expect(guild.soundboard_sounds).toEqual([{ ...sound, sound_id: '61', volume: 1 }]);
  });

  it('leaves: where a member was, once it has left the guild', async () => {
    const left = { guild_id: '10', user };
    const guild = await guildAfter(
      ['THREAD_MEMBERS_UPDATE', joined],
      ['VOICE_STATE_UPDATE', { guild_id: '10', user_id: '500', channel_id: null, mute: true, deaf: false }],
      ['GUILD_MEMBER_REMOVE', left],
      // Told too late: it makes nobody a member again.
      [
        'VOICE_STATE_UPDATE',
        { guild_id: '10', user_id: '500', channel_id: null, mute: false, deaf: false, member: { user, roles: [] } },
      ],
    );
    expect(guild).toMatchObject({ members: [], voice_states: [], thread_members: [] });
  });

  it('leaves a store that an earlier version of Kallisti has filled with it', async () => {
    const rows = [['10/base/', JSON.stringify({ ...GUILD, threads: [archived, open] })]] as const;
    expect(mergeGuild(rows)?.threads).toEqual([open]);
  });

  it('does not make a guild grow: ten thousand tickets that came and went', async () => {
    const { store } = await openStore(temporaryFolder(), { schedule: new CommitSchedule(0) });
    await store.takeOver();
    const feed = new Feed(store);
    feed.ready();
    feed.dispatch('GUILD_CREATE', GUILD);
    for (let index = 0; index < 10_000; index++) {
      const id = String(1_000 + index);
      feed.dispatch('THREAD_CREATE', { ...open, id, guild_id: '10', name: 'a ticket' });
      feed.dispatch('THREAD_MEMBERS_UPDATE', { ...joined, id, added_members: [{ id, user_id: '500' }] });
      feed.dispatch('THREAD_UPDATE', { ...archived, id, guild_id: '10', name: 'a ticket' });
      if (index % 50 === 0) {
        store.commit();
        await setImmediate();
      }
    }
    store.commit();
    await setImmediate();
    store.commit();
    const guild = store.readGuild('10')?.guild;
    expect(guild?.threads).toEqual([open]);
    expect(JSON.stringify(guild).length).toBeLessThan(JSON.stringify(GUILD).length + 100);
  });
});

describe('a guild that has changed since it was put into the cache', () => {
  it('is replaced, with nothing left of what it was', async () => {
    const folder = temporaryFolder();
    const { store: old } = await openStore(folder);
    await old.takeOver();
    const feed = new Feed(old);
    feed.ready();
    feed.dispatch('GUILD_CREATE', { id: '10', channels: [{ id: '11', type: 0 }], threads: [{ id: '12', type: 11 }] });
    await old.commit();
    const { store } = await openStore(folder);
    const target = new OfflineClient();
    const hydration = new Hydration(target, store);
    expect(await hydration.run()).toBe(1);
    expect(await hydration.refresh()).toBe(0);
    feed.dispatch('CHANNEL_DELETE', { guild_id: '10', id: '11', type: 0 });
    feed.dispatch('THREAD_DELETE', { guild_id: '10', id: '12' });
    await old.release();
    expect(await hydration.refresh()).toBe(1);
    expect(target.client.channelGuildMap).toEqual({});
    expect(target.client.threadGuildMap).toEqual({});
    expect(target.client.guilds.get('10')?.channels.size).toBe(0);
  });
});

describe('a thousand guilds', () => {
  it('let the event loop turn after every few of them', async () => {
    const folder = temporaryFolder();
    const { store } = await openStore(folder);
    await store.takeOver();
    const feed = new Feed(store);
    feed.ready();
    const shape = { channels: 40, roles: 30, members: 50, threads: 5, emojis: 10, presences: 0 };
    const seed: Seed = { seed: 1, shape, userCount: 5_000, bot: { ...BOT, public_flags: 0 } as unknown as Seed['bot'] };
    for (let index = 0; index < 1_000; index++) feed.dispatch('GUILD_CREATE', seededGuild(seed, index));
    await store.commit();

    const target = new OfflineClient();
    const sizes: number[] = [0];
    const measure = (): void => {
      sizes.push(target.client.guilds.size);
      turn = globalThis.setImmediate(measure);
    };
    let turn = globalThis.setImmediate(measure);
    expect(await new Hydration(target, store).run()).toBe(1_000);
    clearImmediate(turn);
    expect(target.client.guilds.size).toBe(1_000);
    // A guild takes about a millisecond. `npm run bench -- sessions` measures the stalls.
    expect(Math.max(...sizes.map((size, turns) => size - (sizes[turns - 1] ?? 0)))).toBeLessThan(100);
  });
});
