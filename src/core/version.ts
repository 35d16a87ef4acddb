import { readFileSync } from 'node:fs';

/** That of package.json, which lies two folders above this file in `src` and in `dist` alike. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
