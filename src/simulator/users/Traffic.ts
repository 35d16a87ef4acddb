import { now } from '../account/now.js';
import { Random } from '../world/Random.js';
import type { World } from '../world/World.js';
import type { Interactions, OptionValue } from './Interactions.js';
import type { Messages } from './Messages.js';

export interface TrafficCommand {
  name: string;
  options?: Record<string, OptionValue>;
}

export interface TrafficOptions {
  /** Default: 0. */
  commandsPerSecond?: number;
  /** How many messages a second mention the bot. Default: 0. */
  mentionsPerSecond?: number;
  /** How many messages a second are not for the bot. Default: 0. */
  messagesPerSecond?: number;
  /** The commands that users run. Default: `ping`. */
  commands?: readonly TrafficCommand[];
  /** What users write after the mention. Default: `ping`. */
  mentions?: readonly string[];
}

type Kind = 'command' | 'mention' | 'message';

const TICK_MS = 10;
/** After a longer stall of the machine the traffic makes up for this much only, because users do not save up commands. */
const MAX_BACKLOG_MS = 250;

/**
 * Simulated users in all guilds. The seed alone decides who does what and where, and the rates decide when. Users act only
 * in guilds where the bot was online once, so nothing counts as unanswered while a bot starts for the first time.
 */
export class Traffic {
  readonly #random: Random;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    seed: number,
    private readonly botId: string,
    private readonly world: World,
    private readonly interactions: Interactions,
    private readonly messages: Messages,
    private readonly isOnlineIn: (guildId: string) => boolean,
  ) {
    this.#random = new Random(seed);
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** Starts, or goes on with other options. */
  start(options: TrafficOptions): void {
    this.stop();
    const rates: [Kind, number][] = [
      ['command', options.commandsPerSecond ?? 0],
      ['mention', options.mentionsPerSecond ?? 0],
      ['message', options.messagesPerSecond ?? 0],
    ];
    const due = new Map<Kind, number>();
    let last = now();
    this.#timer = setInterval(() => {
      const at = now();
      const elapsedMs = Math.min(at - last, MAX_BACKLOG_MS);
      last = at;
      const guildIds = this.world.guildIds;
      for (const [kind, perSecond] of rates) {
        let count = (due.get(kind) ?? 0) + (perSecond * elapsedMs) / 1000;
        for (; count >= 1; count--) this.#act(kind, guildIds, options);
        due.set(kind, count);
      }
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #act(kind: Kind, guildIds: readonly string[], options: TrafficOptions): void {
    const guildId = this.#random.pick(guildIds);
    const command = this.#random.pick(options.commands ?? [{ name: 'ping' }]);
    const words = this.#random.pick(options.mentions ?? ['ping']) ?? '';
    const member = guildId === undefined ? undefined : this.world.someMember(guildId, this.#random.below(1 << 16));
    if (guildId === undefined || member === undefined || !this.isOnlineIn(guildId)) return;
    const who = { guildId, userId: member.user.id };
    if (kind === 'command') {
      if (command !== undefined) this.interactions.runCommand({ ...who, ...command });
    } else {
      const content =
        kind === 'mention' ? `<@${this.botId}> ${words}` : `Has anyone seen apple ${this.#random.below(1000)}?`;
      this.messages.send({ ...who, content });
    }
  }
}
