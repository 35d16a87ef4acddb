import { setTimeout as sleep } from 'node:timers/promises';
import type { Simulator } from 'kallisti/simulator';

type Kind = 'message' | 'command' | 'member' | 'reaction' | 'voice' | 'channel' | 'role' | 'pins';

/** Of a thousand events. */
const SHARES: Readonly<Record<Kind, number>> = {
  message: 900,
  command: 20,
  member: 40,
  reaction: 20,
  voice: 10,
  channel: 4,
  role: 3,
  pins: 3,
};
const TICK_MS = 10;

/** The same events in the same order, every time it is made: a bot's day, mostly messages that are none of its business. */
export class EventMix {
  readonly #simulator: Simulator;
  readonly #kinds: readonly Kind[];
  #sent = 0;

  public constructor(simulator: Simulator) {
    this.#simulator = simulator;
    const kinds = Object.entries(SHARES).flatMap(([kind, share]) => Array<Kind>(share).fill(kind as Kind));
    // 389 has no factor in common with their number, so that this visits each once, and spreads every kind.
    this.#kinds = kinds.map((_, index) => kinds[(index * 389) % kinds.length] ?? 'message');
  }

  public async send(count: number, perSecond: number): Promise<void> {
    const startedAt = performance.now();
    while (this.#sent < count) {
      const due = Math.min(count, ((performance.now() - startedAt) * perSecond) / 1000);
      while (this.#sent < due) this.#next();
      await sleep(TICK_MS);
    }
  }

  #next(): void {
    const { guildIds, guilds } = this.#simulator;
    const number = this.#sent++;
    const guildId = guildIds[(number * 7) % guildIds.length] ?? '';
    const userId = this.#simulator.memberIdOf(guildId, number);
    const channelId = this.#simulator.channelIdOf(guildId);
    const emit = (event: string, data: object): void =>
      this.#simulator.emitGuildEvent(event, guildId, {
        guild_id: guildId,
        user_id: userId,
        channel_id: channelId,
        ...data,
      });
    switch (this.#kinds[number % this.#kinds.length]) {
      case 'command':
        this.#simulator.runCommand({ name: 'ping', guildId, userId });
        return;
      case 'member':
        guilds.updateMember(guildId, userId, { nick: `nick ${number}` });
        return;
      case 'reaction':
        emit('MESSAGE_REACTION_ADD', {
          message_id: String(10n ** 18n + BigInt(number)),
          emoji: { id: null, name: 'x' },
        });
        return;
      case 'voice':
        emit('VOICE_STATE_UPDATE', {
          ...{ session_id: `s${number}`, deaf: false, mute: false, self_deaf: false, self_mute: number % 2 === 0 },
          ...{
            self_video: false,
            suppress: false,
            channel_id: number % 3 === 0 ? null : voiceChannelOf(guilds.get(guildId)),
          },
        });
        return;
      case 'channel':
        guilds.updateChannel(channelId, { topic: `topic ${number}` });
        return;
      case 'role':
        guilds.updateRole(guildId, lastRoleOf(guilds.get(guildId)), { name: `role ${number}` });
        return;
      case 'pins':
        emit('CHANNEL_PINS_UPDATE', { last_pin_timestamp: new Date().toISOString() });
        return;
      default:
        this.#simulator.sendMessage({ guildId, userId, content: `Has anyone seen apple ${number}?` });
    }
  }
}

function voiceChannelOf({
  channels,
}: {
  readonly channels: readonly { readonly id: string; readonly type: number }[];
}) {
  return channels.find(({ type }) => type === 2)?.id ?? null;
}

function lastRoleOf({ roles }: { readonly roles: readonly { readonly id: string }[] }): string {
  return roles.at(-1)?.id ?? '';
}
