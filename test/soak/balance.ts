import type { InteractionEntry, MessageEntry } from '../../src/simulator/index.js';
import type { Soak } from './Soak.js';

/** A killed process may have answered up to this many milliseconds before, and not have written it down. */
const UNWRITTEN_MS = 1_000;

/** @returns what the account must not show, with evidence. Nothing if it balances. */
export function imbalances(soak: Soak, isEnd: boolean): string[] {
  const { account } = soak.discord;
  const { identifies, overlaps, takeovers, violationsByKind } = account.summary();
  const found: string[] = [];
  const most = soak.identifies + soak.spareIdentifies;
  if (identifies < soak.identifies || identifies > most)
    found.push(`${identifies} IDENTIFYs instead of ${soak.identifies} to ${most}: ${show(account.identifies)}`);
  if (overlaps > 0) found.push(`${overlaps} times two owners of a shard: ${show(account.overlaps())}`);
  if (takeovers > 0) {
    found.push(`${takeovers} sessions were taken over: ${show(account.resumes.filter(({ tookOver }) => tookOver))}`);
  }
  for (const kind of Object.keys(violationsByKind)) {
    if (kind === 'doubleAcknowledgement') continue;
    found.push(`violation: ${show(account.violations.filter((violation) => violation.kind === kind))}`);
  }
  const excused = soak.excused();
  for (const entry of account.interactions) {
    const isExcusedWrongly = entry.acknowledgedAt !== null && !soak.hanging.has(entry.id);
    if (excused.has(entry.id) && isExcusedWrongly)
      found.push(`an answered command was dropped: ${evidence(soak, entry)}`);
    if (excused.has(entry.id)) continue;
    if (entry.doubleAcknowledgements > 0 && !isExcused(soak, entry.createdAt, entry.answeredAt))
      found.push(`command answered twice: ${evidence(soak, entry)}`);
    if (entry.state === 'failed' || (isEnd && entry.state !== 'answered'))
      found.push(`command ${entry.state}: ${evidence(soak, entry)}`);
  }
  for (const entry of account.messages) {
    if (!entry.mentionsBot) continue;
    if (entry.replies.length > 1 && !isExcused(soak, entry.createdAt, entry.replies[0]?.at ?? null))
      found.push(`mention answered twice: ${evidence(soak, entry)}`);
    if (isEnd && entry.replies.length === 0) found.push(`mention unanswered: ${evidence(soak, entry)}`);
  }
  // Nothing excuses these: the next process knows what was sent for them.
  for (const entry of soak.thoughts) {
    if (entry.replies.length > 1) found.push(`thought answered twice: ${evidence(soak, entry)}`);
    if (isEnd && entry.replies.length === 0) found.push(`thought unanswered: ${evidence(soak, entry)}`);
  }
  return found;
}

/** Whether it was on its way when a process was killed. */
function isExcused({ kills }: Soak, createdAt: number, answeredAt: number | null): boolean {
  return kills.some((at) => createdAt <= at && (answeredAt === null || answeredAt >= at - UNWRITTEN_MS));
}

/** The entry, and its shard's connections about that time. */
function evidence({ discord }: Soak, entry: InteractionEntry | MessageEntry): string {
  const shardId = entry.deliveries[0]?.shardId;
  const about = ({ at }: { readonly at: number }): boolean => Math.abs(at - entry.createdAt) < 120_000;
  const { resumes, connections } = discord.account.shard(shardId ?? -1);
  const named = new Set(entry.deliveries.map(({ connectionId }) => connectionId));
  return show({
    entry,
    resumes: resumes.filter(about),
    connections: connections.filter(({ id }) => named.has(id)),
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, null, 1);
}
