import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Builds once before the suites: end-to-end tests run the real `dist/`, as a user does, and programs that import it. */
export default function setup(): void {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  for (const args of [
    [tsc, '-p', 'tsconfig.json'],
    [tsc, '-p', 'test/fixtures/tsconfig.json'],
    ['scripts/copyPage.js'],
  ]) {
    execFileSync(process.execPath, args, { cwd, stdio: 'inherit' });
  }
}
