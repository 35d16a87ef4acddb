import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds once before the suites: end-to-end tests run the real `dist/`, as a user does, and programs that import it. */
export default function setup(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  for (const project of ['tsconfig.json', 'test/fixtures/tsconfig.json']) {
    execFileSync('npx', ['tsc', '-p', project], { cwd: root, stdio: 'inherit' });
  }
  execFileSync(process.execPath, ['scripts/copyPage.js'], { cwd: root, stdio: 'inherit' });
}
