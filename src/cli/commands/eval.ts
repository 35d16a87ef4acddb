import { InvalidArgumentError } from 'commander';
import type { EvalResult, EvalTarget } from '../../core/contracts/ClusterContract.js';
import type { CliCommand } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { printable } from '../Screen.js';

interface Flags {
  readonly target: EvalTarget;
}

/** The master answers sooner: in each cluster, code may take as long as a request of the bot may. */
const EVAL_TIMEOUT_MS = 60_000;

export const evalCommand: CliCommand = ({ program, action }) => {
  program
    .command('eval')
    .description('Runs code in the bot and prints the result. The master allows it only with ADMIN_EVAL=on.')
    .argument('<code>', 'JavaScript, whose last expression or return value is the result; - reads it from stdin')
    .option(
      '-t, --target <where>',
      'where it runs: here or master (the same), all (clusters), or the id of a cluster',
      parseTarget,
      'master',
    )
    .addHelpText(
      'after',
      `
Exit code 1 if the code threw in any of the targets.

Examples:
  kallisti eval 'process.memoryUsage().rss'
  kallisti eval --target all 'client.guilds.size'
  kallisti eval --target 2 - < script.js`,
    )
    .action(action<Flags, [string]>(evaluate));
};

async function evaluate(context: CliContext, { target }: Flags, argument: string): Promise<ExitCode> {
  const client = context.connect();
  const code = argument === '-' ? await readAll(context.io.stdin) : argument;
  const { results } = await client.request('POST /api/eval', {
    body: { code, target },
    signal: context.signal,
    timeoutMs: EVAL_TIMEOUT_MS,
  });
  const isNamed = results.length > 1;
  context.show({ results }, () => results.map((result) => textOf(context, result, isNamed)).join('\n'));
  return results.every(({ ok }) => ok) ? EXIT_CODES.done : EXIT_CODES.failed;
}

function textOf({ screen: { paint } }: CliContext, { target, ok, output }: EvalResult, isNamed: boolean): string {
  const text = ok ? printable(output) : paint.red(printable(output));
  return isNamed ? `${paint.dim(`${target}:`)} ${text}` : text;
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

function parseTarget(text: string): EvalTarget {
  if (text === 'all') return 'all';
  if (text === 'master' || text === 'here') return 'master';
  if (/^\d{1,9}$/.test(text)) return { clusterId: Number(text) };
  throw new InvalidArgumentError('Allowed: here, master, all, or the id of a cluster.');
}
