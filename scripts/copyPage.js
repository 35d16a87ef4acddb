// Copies the status page beside the compiled master: the compiler leaves out what is no TypeScript of ours.
import { cpSync, rmSync } from 'node:fs';

const from = new URL('../src/page/', import.meta.url);
const to = new URL('../dist/page/', import.meta.url);

rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true });
