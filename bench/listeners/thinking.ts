import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../Suite.js';
import type { LogLine } from '../sessions/BotProcess.js';
import type { LostSession, Thoughts } from '../sessions/discordMethods.js';
import type { Cost, Fleet } from '../sessions/Fleet.js';
import { one, row } from '../sessions/rows.js';

/** Commands, so that it can be seen when a shard is served again. */
export const COMMANDS = { commandsPerSecond: 20 };

export interface ThoughtCost extends Cost, Thoughts {
  /** What the bot's log complained of meanwhile, and how often. */
  readonly complaints: readonly string[];
}

const WARNING = 40;
const NUMBERS = /\d+/g;

/** What `act` costs users who wait for a listener of the bot. @param act resolves with the sessions that Discord has ended. */
export async function underThoughts(
  fleet: Fleet,
  perSecond: number,
  act: () => Promise<readonly LostSession[] | undefined>,
  load = COMMANDS,
): Promise<ThoughtCost> {
  const { ask } = fleet.discord;
  const from = fleet.bot.lines.length;
  let thoughts: Thoughts | undefined;
  const cost = await fleet.underLoad(load, async () => {
    await ask.startThinkers(perSecond);
    await sleep(1_500);
    const lostSessions = await act();
    await sleep(1_000);
    thoughts = await ask.stopThinkers(lostSessions ?? []);
  });
  if (thoughts === undefined) throw new Error('nobody has thought');
  return { ...cost, ...thoughts, complaints: complaintsOf(fleet.bot.lines.slice(from)) };
}

function complaintsOf(lines: readonly LogLine[]): string[] {
  const counts = new Map<string, number>();
  for (const { level, msg, err } of lines) {
    if (Number(level) < WARNING) continue;
    const { message = '' } = (err ?? {}) as { readonly message?: string };
    const what = `${msg} ${message}`.trim().replace(NUMBERS, 'N').slice(0, 120);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count} x "${what}"`);
}

/** @param identifies how many there may be. */
export function thoughtRows({ asked, lost, twice, identifies, complaints }: ThoughtCost, maxIdentifies = 0): Row[] {
  const note = lost === 0 ? {} : { note: `the bot's log: ${complaints.join('; ') || 'nothing'}` };
  return [
    { ...row(`messages whose work was lost, of ${asked}`, '', one(lost), 0), ...note },
    row('messages answered twice', '', one(twice), 0),
    row('IDENTIFYs', '', one(identifies), maxIdentifies),
  ];
}
