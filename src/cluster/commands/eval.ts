import type { EvalResult, EvalTarget } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';
import { type Command, defineCommand } from './Command.js';
import { checkCluster } from './clusterReports.js';
import { formatEvalResults } from './text/evalText.js';

/** Longer than an evaluation itself may take: one that takes too long says so in its own result. In milliseconds. */
const TIMEOUT_MS = 12_000;

/** @param evaluateHere runs code in this process: `here` must work without the master, and while another process has this id. */
export function createEval(evaluateHere: (data: { code: string }) => Promise<EvalResult>): Command {
  return defineCommand({
    definition: {
      name: 'eval',
      description: 'Runs JavaScript in the processes of the bot.',
      options: [
        { type: 3, name: 'code', description: 'An expression, or statements with a return.', required: true },
        { type: 3, name: 'target', description: 'here (default), cluster N, all, or master.' },
      ],
    },
    ownerOnly: true,
    // Code that ends this process would end each of its successors.
    onCrash: 'drop',
    usage: '[target:here | target:cluster N | target:all | target:master] <code>',
    namedOptions: { target: /cluster\s+\d+|\S+/ },
    async run(invocation, context) {
      const { code, target: wanted = 'here' } = invocation.options;
      const target = parseTarget(wanted);
      if (target === undefined) return invocation.reply('`target` must be `here`, `cluster N`, `all` or `master`.');
      const problem = typeof target === 'object' ? checkCluster(target.clusterId, context) : undefined;
      if (problem !== undefined) return invocation.reply(problem);
      const results = target === 'here' ? [await evaluateHere({ code })] : await evaluateThere(context, code, target);
      return invocation.reply(formatEvalResults(results));
    },
  });
}

function evaluateThere(
  { master }: Pick<ClusterContext, 'master'>,
  code: string,
  target: EvalTarget,
): Promise<readonly EvalResult[]> {
  return master.request('evaluate', { code, target }, { timeoutMs: TIMEOUT_MS });
}

function parseTarget(text: string): 'here' | EvalTarget | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'here' || word === 'all' || word === 'master') return word;
  const clusterId = /^(?:cluster\s*)?(\d{1,6})$/.exec(word)?.[1];
  return clusterId === undefined ? undefined : { clusterId: Number(clusterId) };
}
