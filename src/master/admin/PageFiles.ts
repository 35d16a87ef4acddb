import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * The files of the status page, read once: they are few and small. A request's path is only looked up among their names, so that
 * none can lead out of the folder.
 */
export class PageFiles {
  readonly #files = new Map<string, PageFile>();

  public constructor(folder: string) {
    for (const name of namesIn(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const content = readFileSync(join(folder, name));
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
      this.#files.set(name, { type, content, etag });
    }
  }

  public find(name: string): PageFile | undefined {
    return this.#files.get(name === '' ? 'index.html' : name);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    // A program that bundles the master without the page has an API and no page.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
