import type { Account, Delivery } from 'kallisti/simulator';
import type { Outcome, Passage } from './discordMethods.js';

/** @returns what became of the commands and mentions that were sent since; to these shards only, where some are named. */
export function outcomeSince(account: Account, since: number, shardIds?: readonly number[]): Outcome {
  const isMeant = (shardId: number | null | undefined): boolean =>
    shardIds === undefined || (typeof shardId === 'number' && shardIds.includes(shardId));
  const commands = account.interactions.filter(({ createdAt, shardId }) => createdAt >= since && isMeant(shardId));
  const mentions = account.messages.filter(
    ({ createdAt, mentionsBot, deliveries }) => mentionsBot && createdAt >= since && isMeant(deliveries[0]?.shardId),
  );
  const waits = commands.map(({ createdAt, answeredAt }) => (answeredAt ?? createdAt) - createdAt);
  return {
    commands: commands.length,
    commandsFailed: commands.filter(({ state }) => state !== 'answered').length,
    commandsTwice: commands.filter(({ doubleAcknowledgements }) => doubleAcknowledgements > 0).length,
    mentions: mentions.length,
    mentionsUnanswered: mentions.filter(({ replies }) => replies.length === 0).length,
    mentionsTwice: mentions.filter(({ replies }) => replies.length > 1).length,
    longestWaitMs: waits.reduce((longest, wait) => Math.max(longest, wait), 0),
  };
}

/**
 * How long each shard that resumed since was with nobody, as the gateway saw it: from the delivery of the last event that
 * the old connection handled (Discord was asked to go on after it) to the delivery of the first one on the new connection.
 * It includes the time in which nothing was to be delivered.
 */
export function passagesSince(account: Account, since: number): Passage[] {
  const bySession = new Map<string, Delivery[]>();
  for (const { deliveries } of [...account.interactions, ...account.messages]) {
    for (const delivery of deliveries) {
      const list = bySession.get(delivery.sessionId);
      if (list === undefined) bySession.set(delivery.sessionId, [delivery]);
      else list.push(delivery);
    }
  }
  const passages: Passage[] = [];
  for (const { at, ok, shardId, sessionId, connectionId, seq } of account.resumes) {
    if (!ok || at < since || shardId === null) continue;
    let handledAt = Number.NEGATIVE_INFINITY;
    let firstAt = Number.POSITIVE_INFINITY;
    for (const delivery of bySession.get(sessionId) ?? []) {
      if (delivery.connectionId === connectionId) firstAt = Math.min(firstAt, delivery.at);
      else if (delivery.connectionId !== null && delivery.seq <= seq && delivery.at < at)
        handledAt = Math.max(handledAt, delivery.at);
    }
    const pauseMs = firstAt - handledAt;
    if (Number.isFinite(pauseMs)) passages.push({ shardId, pauseMs });
  }
  return passages;
}

/** @returns by shard, when the first command that came to it over a connection resumed since then was answered. */
export function firstAnswersSince(
  account: Account,
  since: number,
  shardIds: readonly number[],
): readonly (number | null)[] {
  const resumed = new Set(
    account.resumes.filter(({ at, ok }) => ok && at >= since).map(({ connectionId }) => connectionId),
  );
  const first = new Map<number, number>();
  for (const { answeredAt, deliveries } of account.interactions) {
    if (answeredAt === null || answeredAt < since) continue;
    for (const { connectionId, shardId } of deliveries) {
      if (connectionId === null || !resumed.has(connectionId)) continue;
      first.set(shardId, Math.min(answeredAt, first.get(shardId) ?? Number.POSITIVE_INFINITY));
    }
  }
  return shardIds.map((shardId) => first.get(shardId) ?? null);
}
