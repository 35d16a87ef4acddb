import {
  banner,
  jsonLine,
  parseFlags,
  simulatorOptions,
  startFailure,
  trafficOptions,
} from '../simulator/control/commandLine.js';
import { Simulator } from '../simulator/index.js';

const flags = parseFlags(process.argv);
const discord = await start();
const traffic = trafficOptions(flags);
if (traffic !== undefined) discord.traffic.start(traffic);
process.stdout.write(flags.json ? jsonLine(discord) : banner(discord));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
if (flags.exitWithParent) {
  // The parent holds the other end of our stdin. When the parent is gone, however it went, stdin closes.
  process.stdin.resume();
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => void end());
}

async function start(): Promise<Simulator> {
  try {
    const simulator = new Simulator(simulatorOptions(flags));
    await simulator.start();
    return simulator;
  } catch (error) {
    process.stderr.write(`simulator: ${startFailure(error, flags)}\n`);
    process.exit(1);
  }
}

async function end(): Promise<never> {
  await discord.stop();
  process.exit(0);
}
