import type { EvalResult, EvalTarget } from '../../core/contracts/ClusterContract.js';
import type { ClusterPool } from './ClusterPool.js';

export interface Evaluators {
  readonly clusters: Pick<ClusterPool, 'get' | 'requestAll' | 'workerCount'>;
  readonly evaluateInMaster: (code: string) => Promise<EvalResult>;
}

/**
 * Runs code on one cluster, on all, or in the master; each target's outcome stands for itself.
 *
 * @throws WorkerNotFoundError and the like for a single cluster that cannot be asked; of all, such a one is a result.
 */
export async function evaluateOn(
  { clusters, evaluateInMaster }: Evaluators,
  { code, target }: { readonly code: string; readonly target: EvalTarget },
): Promise<readonly EvalResult[]> {
  if (target === 'master') return [await evaluateInMaster(code)];
  if (target !== 'all') return [await clusters.get(target.clusterId).request('evaluate', { code })];
  const replies = await clusters.requestAll('evaluate', { code });
  const byId = new Map(replies.map((reply) => [reply.workerId, reply]));
  return Array.from({ length: clusters.workerCount }, (_, id) => {
    const reply = byId.get(id);
    if (reply?.status === 'fulfilled') return reply.value;
    const reason = reply === undefined ? 'is not running' : messageOf(reply.reason);
    return { target: `cluster ${id}`, ok: false, output: reason };
  });
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
