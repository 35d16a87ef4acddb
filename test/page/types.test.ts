import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the types in the comments of the page are sound', () => {
  const project = fileURLToPath(new URL('tsconfig.json', import.meta.url));
  let output = '';
  try {
    execFileSync('npx', ['tsc', '-p', project], { encoding: 'utf8' });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  expect(output).toBe('');
}, 180_000);
