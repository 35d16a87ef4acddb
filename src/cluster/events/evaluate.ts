import type { EvalResult } from '../../core/contracts/ClusterContract.js';
import { evaluateCode } from '../../core/eval/evaluate.js';
import type { ClusterContext } from '../ClusterContext.js';

export interface EvaluateDependencies {
  readonly context: ClusterContext<unknown>;
  /** Takes the token out of what the code returned. */
  readonly scrub: (text: string) => string;
}

/** Serves `evaluate`: runs code in this cluster, where it sees the bot's client as `client` and the context as `cluster`. */
export const evaluate =
  ({ context, scrub }: EvaluateDependencies) =>
  async ({ code }: { code: string }): Promise<EvalResult> => ({
    target: `cluster ${context.clusterId}`,
    ...(await evaluateCode(code, { scope: { client: context.client, cluster: context }, scrub })),
  });
