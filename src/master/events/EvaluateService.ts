import type { EvalResult, EvalTarget } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { evaluateOn } from '../fleet/evaluateOn.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Runs code on one cluster, on all, or in the master; each target's outcome stands for itself. */
export class EvaluateService extends ClusterEventService<'evaluate'> {
  public constructor(
    private readonly clusters: ClusterPool,
    private readonly evaluateInMaster: (code: string) => Promise<EvalResult>,
  ) {
    super(clusters, 'evaluate');
  }

  protected override execute(
    _cluster: ClusterConnection,
    request: { code: string; target: EvalTarget },
  ): Promise<readonly EvalResult[]> {
    return evaluateOn({ clusters: this.clusters, evaluateInMaster: this.evaluateInMaster }, request);
  }
}
