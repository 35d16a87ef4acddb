import { beforeEach, describe, expect, it } from 'vitest';
import { discord, start, until, violations } from './local.js';
import { RawGateway } from './RawGateway.js';

beforeEach(() => start());

describe('RESUME', () => {
  it('replays what was missed, in order, then says RESUMED', async () => {
    const [guildId = ''] = discord.guildIds;
    const client = await RawGateway.login(discord);
    const { seq } = client.session;
    client.socket.terminate();
    await client.closed;
    for (const name of ['one', 'two', 'three']) discord.guilds.createChannel(guildId, { name });
    const other = await client.resumeElsewhere(discord);
    await other.event('RESUMED');
    const dispatched = other.packets.filter((packet) => packet.op === 0);
    expect(dispatched.map((packet) => packet.d.name ?? packet.t)).toEqual(['one', 'two', 'three', 'RESUMED']);
    expect(dispatched.map((packet) => packet.s)).toEqual([seq + 1, seq + 2, seq + 3, seq + 4]);
    expect(discord.account.resumes).toMatchObject([{ ok: true, replayed: 3, atResumeUrl: true, tookOver: false }]);
    expect(discord.account.summary()).toMatchObject({ identifies: 1, overlaps: 0, takeovers: 0, violations: 0 });
  });

  it('can be done again from an older sequence, and does not replay RESUMED', async () => {
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const second = await client.resumeElsewhere(discord);
    await second.event('RESUMED');
    await second.close(4901);
    const third = await client.resumeElsewhere(discord, 3);
    await third.event('RESUMED');
    expect(third.packets.filter((packet) => packet.op === 0).map((packet) => packet.t)).toEqual([
      'GUILD_CREATE',
      'GUILD_CREATE',
      'RESUMED',
    ]);
  });

  it('loses nothing and repeats nothing, however often the socket breaks', async () => {
    const [guildId = ''] = discord.guildIds;
    const first = await RawGateway.login(discord);
    const { sessionId, resumeUrl } = first.session;
    let seq = first.session.seq;
    let client = first;
    const got: number[] = [];
    for (let round = 0; round < 8; round++) {
      const until = (round + 1) * 25;
      for (let number = round * 25; number < until; number++) {
        discord.emitGuildEvent('CHANNEL_UPDATE', guildId, { id: '1', guild_id: guildId, number });
        // Half-way the socket breaks, with events on the wire and more to come.
        if (number === until - 12) discord.faults.dropSocket(0, round % 2 === 0 ? { terminate: true } : { code: 4000 });
      }
      await client.closed;
      const seen = client.packets.filter((packet) => packet.t === 'CHANNEL_UPDATE');
      got.push(...seen.map((packet) => packet.d.number));
      seq = Math.max(seq, ...client.packets.map((packet) => packet.s ?? 0));
      client = await RawGateway.open(discord, undefined, resumeUrl);
      client.resume(sessionId, seq);
      await client.event('RESUMED');
    }
    got.push(...client.packets.filter((packet) => packet.t === 'CHANNEL_UPDATE').map((packet) => packet.d.number));
    expect(got).toEqual(Array.from({ length: 200 }, (_, number) => number));
    expect(discord.account.summary()).toMatchObject({ identifies: 1, resumes: 8, overlaps: 0, takeovers: 0 });
  });

  it('goes on with guilds that had not been sent yet', async () => {
    await start({ guildCount: 800 });
    const client = await RawGateway.open(discord);
    client.identify();
    await client.event('GUILD_CREATE');
    client.socket.terminate();
    await client.closed;
    const other = await client.resumeElsewhere(discord);
    await until(
      () => guildIdsIn(client, other).size === 800,
      () => `all guilds, have ${guildIdsIn(client, other).size}`,
    );
  });

  it.each([1000, 1001])('is refused after the client closed with %d', async (code) => {
    const client = await RawGateway.login(discord);
    await client.close(code);
    const other = await client.resumeElsewhere(discord);
    expect(await other.op(9)).toMatchObject({ d: false });
    expect(discord.account.resumes).toMatchObject([{ ok: false, reason: 'unknown or expired session' }]);
  });

  it('is refused when the session had no socket for too long', async () => {
    await start({ resumeWindowMs: 20 });
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const closedAt = Date.now();
    await until(() => Date.now() - closedAt > 40, 'the end of the window');
    const other = await client.resumeElsewhere(discord);
    expect(await other.op(9)).toMatchObject({ d: false });
  });

  it('from events that are no longer kept is refused', async () => {
    await start({ replayBufferEvents: 2 });
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const other = await client.resumeElsewhere(discord, 1);
    expect(await other.op(9)).toMatchObject({ d: false });
    expect(discord.account.resumes).toMatchObject([{ reason: 'events are no longer there' }]);
  });

  it('from a sequence that was never sent is closed with 4007', async () => {
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const other = await client.resumeElsewhere(discord, 9999);
    await expect(other.closed).resolves.toMatchObject({ code: 4007 });
    expect(violations()).toEqual(['resumeSequenceUnknown']);
  });

  it('with a wrong token is closed with 4004', async () => {
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const other = await RawGateway.open(discord);
    other.resume(client.session.sessionId, 1, 'nonsense');
    await expect(other.closed).resolves.toMatchObject({ code: 4004 });
  });

  it('with another version is refused and noted', async () => {
    const client = await RawGateway.login(discord);
    await client.close(4901);
    const other = await RawGateway.open(discord, 'v=9&encoding=json');
    other.resume(client.session.sessionId, 1);
    expect(await other.op(9)).toMatchObject({ d: false });
    expect(violations()).toEqual(['resumeWithOtherEncoding']);
  });

  it('without its fields is closed with 4002', async () => {
    const client = await RawGateway.open(discord);
    client.send(6, { token: discord.token });
    await expect(client.closed).resolves.toMatchObject({ code: 4002 });
  });

  it('while the old socket is open closes that one, and is noted as a takeover', async () => {
    const client = await RawGateway.login(discord);
    const other = await client.resumeElsewhere(discord);
    await other.event('RESUMED');
    await expect(client.closed).resolves.toMatchObject({ code: 4000 });
    expect(discord.account.summary()).toMatchObject({ takeovers: 1, overlaps: 0 });
    expect(discord.account.owners(0, 1)).toMatchObject([{ connectionId: 'c2' }]);
  });

  it('right after the old socket sent its close frame is no takeover', async () => {
    const client = await RawGateway.login(discord);
    const other = await RawGateway.open(discord, undefined, client.session.resumeUrl);
    client.socket.close(4901);
    other.resume(client.session.sessionId, client.session.seq);
    await other.event('RESUMED');
    expect(discord.account.summary()).toMatchObject({ takeovers: 0, overlaps: 0 });
  });

  it('keeps the events after a heartbeat, unless told to trim', async () => {
    await start({ trimReplayOnHeartbeat: true });
    const client = await RawGateway.login(discord);
    client.send(1, client.session.seq);
    await client.op(11);
    await client.close(4901);
    const other = await client.resumeElsewhere(discord, 1);
    expect(await other.op(9)).toMatchObject({ d: false });
  });
});

function guildIdsIn(...clients: RawGateway[]): Set<string> {
  const packets = clients.flatMap((client) => client.packets).filter((packet) => packet.t === 'GUILD_CREATE');
  return new Set(packets.map((packet) => packet.d.id as string));
}
