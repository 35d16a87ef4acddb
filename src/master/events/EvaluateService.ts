import type { EvalResult, EvalTarget } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../ClusterConnection.js';
import type { ClusterPool } from '../ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Runs code on one cluster, on all, or in the master; each target's outcome stands for itself. */
export class EvaluateService extends ClusterEventService<'evaluate'> {
  public constructor(
    private readonly clusters: ClusterPool,
    private readonly evaluateHere: (code: string) => Promise<EvalResult>,
  ) {
    super(clusters, 'evaluate');
  }

  protected override async execute(
    _cluster: ClusterConnection,
    { code, target }: { code: string; target: EvalTarget },
  ): Promise<readonly EvalResult[]> {
    if (target === 'master') return [await this.evaluateHere(code)];
    if (target !== 'all') return [await this.clusters.get(target.clusterId).request('evaluate', { code })];
    const replies = await this.clusters.requestAll('evaluate', { code });
    const byId = new Map(replies.map((reply) => [reply.workerId, reply]));
    return Array.from({ length: this.clusters.workerCount }, (_, id) => {
      const reply = byId.get(id);
      if (reply?.status === 'fulfilled') return reply.value;
      const reason = reply === undefined ? 'is not running' : messageOf(reply.reason);
      return { target: `cluster ${id}`, ok: false, output: reason };
    });
  }
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
