import { Argument, Command } from 'commander';
import { admin } from './admin/suite.js';
import { coldstart } from './coldstart/suite.js';
import { ipc } from './ipc/suite.js';
import { listeners } from './listeners/suite.js';
import { memory } from './memory/suite.js';
import { isReached, type Suite } from './Suite.js';
import { scale } from './scale/suite.js';
import { sessions } from './sessions/suite.js';
import { supervision } from './supervision/suite.js';
import { formatTable } from './table.js';

const SUITES: readonly Suite[] = [admin, ipc, memory, coldstart, sessions, supervision, listeners, scale];

/** Shows where the project stands against its numbers. It judges nobody: the exit code is 0 also where one is not reached. */
async function run(names: readonly string[], { json, quick = false }: { json?: true; quick?: boolean }): Promise<void> {
  const suites = names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name));
  const report: object[] = [];
  const missed: string[] = [];
  for (const suite of suites) {
    const rows = await suite.run((what) => showProgress(`${suite.name}: ${what}`), { quick });
    showProgress('');
    missed.push(...rows.filter((row) => isReached(row) === false).map(({ what }) => `${suite.name}: ${what}`));
    report.push({ suite: suite.name, rows: rows.map((row) => ({ ...row, reached: isReached(row) })) });
    if (json !== true) process.stdout.write(`${formatTable(suite, rows)}\n`);
  }
  if (json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else if (missed.length === 0) process.stdout.write('Every target is reached.\n');
  else process.stdout.write(`NOT REACHED: ${missed.join('; ')}\n`);
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

await new Command('npm run bench --')
  .description(
    'Measures the project against its numbers. Ratios hold on any machine; the quieter it is, the narrower they are.',
  )
  .addArgument(new Argument('[suites...]', 'which; all where none is named').choices(SUITES.map(({ name }) => name)))
  .option('--json', 'print the results as JSON')
  .option('--quick', 'measure less, where a suite knows how; for developing it')
  .action(run)
  .parseAsync();
