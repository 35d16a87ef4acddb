import type { EvalResult } from '../../../core/contracts/ClusterContract.js';
import { breakFences, codeBlock } from './codeBlock.js';
import { MAX_MESSAGE_LENGTH } from './cutMessage.js';
import { fitLines } from './fitLines.js';
import { shareFairly } from './shareFairly.js';

// What the code block around it takes.
const ROOM = MAX_MESSAGE_LENGTH - codeBlock('', 'js').length;
/** Below this a share tells nothing any more; then fewer targets are shown. */
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
  return codeBlock(fitLines(lines, ROOM), 'js');
}

function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, Math.max(0, maxLength - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
