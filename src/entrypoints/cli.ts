#!/usr/bin/env node
import { runCli } from '../cli/runCli.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
}
// `kallisti logs | head`: who read has what they wanted.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(0));

// Not by process.exit: what was written into a pipe must get through it.
process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  get stdin() {
    return process.stdin;
  },
  env: process.env,
  signal: interrupted.signal,
});
