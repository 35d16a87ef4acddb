import { describe, expect, it } from 'vitest';
import { MemberFetches } from '../../../src/cluster/gateway/MemberFetches.js';
import { ManualClock } from '../../support/ManualClock.js';

const READY_FOR = 10_000;

function setUp() {
  const clock = new ManualClock();
  const asked: unknown[] = [];
  const fetches = new MemberFetches((payload) => void asked.push(payload), clock);
  const chunk = (guildId: string, index = 0, count = 1, nonce = `n${guildId}`): void =>
    fetches.dispatched({
      ...{ op: 0, t: 'GUILD_MEMBERS_CHUNK' },
      d: { guild_id: guildId, chunk_index: index, chunk_count: count, nonce, members: [] },
    });
  return { clock, asked, fetches, chunk };
}

/** As eris sends it. */
function request(guildId: string) {
  return { op: 8, d: { guild_id: [guildId], query: '', limit: 0, user_ids: undefined, nonce: `n${guildId}` } };
}

function again(guildId: string) {
  return { op: 8, d: { guild_id: guildId, query: '', limit: 0, nonce: `n${guildId}` } };
}

describe('fetches of all members', () => {
  it('are told from other requests', () => {
    const { fetches } = setUp();
    expect(fetches.sent(request('1'))).toEqual({ guildId: '1', nonce: 'n1' });
    // As discord.js sends it.
    const d = { guild_id: '2', query: '', limit: 0, presences: true, nonce: 'n' };
    expect(fetches.sent({ op: 8, d })).toEqual({ guildId: '2', presences: true, nonce: 'n' });
    expect(fetches.sent({ op: 8, d: { ...d, user_ids: ['5'] } })).toBeNull();
    expect(fetches.sent({ op: 8, d: { ...d, query: 'a' } })).toBeNull();
    expect(fetches.sent({ op: 8, d: { ...d, limit: 1 } })).toBeNull();
    for (const nonsense of [null, undefined, 'x', { guild_id: [] }])
      expect(fetches.sent({ op: 8, d: nonsense })).toBeNull();
    expect(fetches.sent({ op: 3, d })).toBeNull();
  });

  it('that a connection took along are sent again after RESUMED, one a second, and those that were answered are not', async () => {
    const { clock, asked, fetches, chunk } = setUp();
    fetches.begun();
    for (const guildId of ['1', '2', '3', '4']) fetches.sent(request(guildId));
    chunk('1');
    chunk('2', 1, 2, 'another request');
    fetches.disconnected();
    // Replayed.
    chunk('4');
    fetches.resumed();
    expect(asked).toEqual([]);
    await clock.advance(1_000);
    expect(asked).toEqual([again('2')]);
    await clock.advance(1_000);
    expect(asked).toEqual([again('2'), again('3')]);
    chunk('2');
    await clock.advance(60_000);
    expect(asked).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('of an earlier process are sent after RESUMED, and over the next connection too where no answer comes', async () => {
    const { clock, asked, fetches, chunk } = setUp();
    fetches.restore([
      { guildId: '1', nonce: 'n1' },
      { guildId: '2', nonce: 'n2', presences: true },
    ]);
    fetches.resumed();
    await clock.advance(10_000);
    expect(asked).toEqual([again('1'), { op: 8, d: { ...again('2').d, presences: true } }]);
    chunk('1');
    fetches.disconnected();
    fetches.resumed();
    await clock.advance(10_000);
    expect(asked).toHaveLength(3);
  });

  it('are left to the library in a new session', async () => {
    const { clock, asked, fetches } = setUp();
    fetches.restore([{ guildId: '1' }]);
    fetches.begun();
    await clock.advance(60_000);
    expect(asked).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are not repeated while their chunks come', async () => {
    const { clock, asked, fetches, chunk } = setUp();
    fetches.restore([{ guildId: '1', nonce: 'n1' }]);
    fetches.resumed();
    for (let index = 0; index < 5; index++) {
      chunk('1', index, 9);
      await clock.advance(READY_FOR - 1_000);
    }
    expect(asked).toEqual([]);
    await clock.advance(2_000);
    expect(asked).toEqual([again('1')]);
  });

  it('that Discord refuses for now are repeated when it says', async () => {
    const { clock, asked, fetches } = setUp();
    fetches.begun();
    fetches.sent(request('1'));
    const meta = { guild_id: '1', nonce: 'n1' };
    fetches.dispatched({ op: 0, t: 'RATE_LIMITED', d: { opcode: 8, retry_after: 12.5, meta } });
    await clock.advance(12_000);
    expect(asked).toEqual([]);
    await clock.advance(2_000);
    expect(asked).toEqual([again('1')]);
  });

  it('of a guild that the bot has left are forgotten, and nonsense hurts nobody', async () => {
    const { clock, asked, fetches } = setUp();
    fetches.restore([{ guildId: '1' }]);
    for (const t of ['GUILD_MEMBERS_CHUNK', 'RATE_LIMITED', 'GUILD_DELETE'])
      for (const d of [null, undefined, 1, {}, { opcode: 8, meta: null }]) fetches.dispatched({ op: 0, t, d });
    fetches.dispatched({ op: 0, t: 'GUILD_DELETE', d: { id: '1' } });
    fetches.resumed();
    await clock.advance(10_000);
    expect(asked).toEqual([]);
  });
});
