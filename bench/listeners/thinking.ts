import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../Suite.js';
import type { LostSession, Thoughts } from '../sessions/discordMethods.js';
import type { Cost, Fleet } from '../sessions/Fleet.js';
import { one, row } from '../sessions/rows.js';

/** Commands, so that it can be seen when a shard is served again. */
export const COMMANDS = { commandsPerSecond: 20 };

export interface ThoughtCost extends Cost, Thoughts {}

/** What `act` costs users who wait for a listener of the bot. @param act resolves with the sessions that Discord has ended. */
export async function underThoughts(
  fleet: Fleet,
  perSecond: number,
  act: () => Promise<readonly LostSession[] | undefined>,
  load = COMMANDS,
): Promise<ThoughtCost> {
  const { ask } = fleet.discord;
  let thoughts: Thoughts | undefined;
  const cost = await fleet.underLoad(load, async () => {
    await ask.startThinkers(perSecond);
    await sleep(1_500);
    const lostSessions = await act();
    await sleep(1_000);
    thoughts = await ask.stopThinkers(lostSessions ?? []);
  });
  if (thoughts === undefined) throw new Error('nobody has thought');
  return { ...cost, ...thoughts };
}

/** @param identifies how many there may be. */
export function thoughtRows({ asked, lost, twice, identifies }: ThoughtCost, maxIdentifies = 0): Row[] {
  return [
    row(`messages whose work was lost, of ${asked}`, '', one(lost), 0),
    row('messages answered twice', '', one(twice), 0),
    row('IDENTIFYs', '', one(identifies), maxIdentifies),
  ];
}
