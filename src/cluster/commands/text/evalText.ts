import type { EvalResult } from '../../../core/contracts/ClusterContract.js';
import { breakFences, codeBlock, linesBlock, MAX_MESSAGE_LENGTH } from './messageText.js';

// What the code block around it leaves.
const ROOM = MAX_MESSAGE_LENGTH - codeBlock('', 'js').length;
/** A share of fewer characters says nothing any more. Then fewer targets are shown. */
const SMALLEST_SHARE = 16;

/** @returns value or error of every target in one message, in which long outputs share the room that the short ones leave. */
export function formatEvalResults(results: readonly EvalResult[]): string {
  const entries = results.map(({ target, ok, output }) => ({
    label: `${target}${ok ? '' : ' failed'}: `,
    output: breakFences(output),
  }));
  const labels = entries.reduce((total, { label }) => total + label.length + 1, 0);
  const shares = shareFairly(
    entries.map(({ output }) => output.length),
    Math.max(ROOM - labels, entries.length * SMALLEST_SHARE),
  );
  const lines = entries.map(({ label, output }, index) => label + shorten(output, shares[index] ?? 0));
  return linesBlock(lines, MAX_MESSAGE_LENGTH, 'js');
}

/**
 * Divides `total` between parties. Nobody gets more than it wants, and what the modest leave is shared by the others.
 *
 * @returns what each party gets, in their order.
 */
export function shareFairly(wants: readonly number[], total: number): number[] {
  const shares = wants.map(() => 0);
  let left = total;
  const bySize = wants.map((want, index) => ({ want, index })).sort((a, b) => a.want - b.want);
  for (const [served, { want, index }] of bySize.entries()) {
    const share = Math.max(0, Math.min(want, Math.floor(left / (bySize.length - served))));
    shares[index] = share;
    left -= share;
  }
  return shares;
}

function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, Math.max(0, maxLength - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
