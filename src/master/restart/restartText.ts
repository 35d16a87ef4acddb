import { duration } from '../../core/text/measures.js';
import { firstLine } from '../../core/text/messageOf.js';
import type { ClusterRestart, RestartProgress } from './RollingRestart.js';

/** Discord's limit of a message. */
const MAX_LENGTH = 2000;
/** With more clusters than this, those that are done or wait are only counted. */
const MAX_LINES = 20;

/** @returns the state of a rolling restart as the text of a message: a headline, and a line per cluster. */
export function restartText({ outcome, durationMs, clusters }: RestartProgress): string {
  const replaced = clusters.filter(({ state }) => state === 'replaced').length;
  const of = `${replaced} of ${clusters.length} cluster${clusters.length === 1 ? '' : 's'}`;
  const headline = {
    rolling: `Restarting, one after the other: ${of} done`,
    done: `Restarted ${of} in ${duration(durationMs)}`,
    failed: `Restart stopped by a failure after ${of}`,
    stopped: `Restart called off after ${of}`,
  }[outcome];
  const shown = clusters.length <= MAX_LINES ? clusters : clusters.filter(isNews);
  const text = [headline, ...shown.map(line)].join('\n');
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 2)} …`;
}

function isNews({ state }: ClusterRestart): boolean {
  return state === 'replacing' || state === 'checking' || state === 'failed';
}

function line(cluster: ClusterRestart): string {
  const name = `cluster ${cluster.clusterId}`;
  switch (cluster.state) {
    case 'waiting':
      return `▫️ ${name} waits`;
    case 'replacing':
      return `🔄 ${name} is being replaced`;
    case 'checking':
      return `🔄 ${name} is new, and being watched`;
    case 'replaced':
      return `✅ ${name} in ${duration(cluster.durationMs)}${cluster.details === undefined ? '' : `: ${cluster.details}`}`;
    case 'failed':
      return `❌ ${name} after ${duration(cluster.durationMs)}: ${firstLine(cluster.reason)}`;
    case 'skipped':
      return `▫️ ${name} was left as it is`;
  }
}
