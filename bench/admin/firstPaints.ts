import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export interface FirstPaints {
  /** From the request for the page to the first of its content on the screen, by load. */
  readonly paintMs: readonly number[];
  /** To the moment in which every cluster has its card. */
  readonly cardsMs: readonly number[];
  /** What one load has brought over the wire. */
  readonly pageKb: number;
}

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity";
const BYTES =
  "performance.getEntries().filter(({ name }) => !name.includes('/api/')).reduce((sum, { encodedBodySize = 0 }) => " +
  'sum + encodedBodySize, 0)';

/**
 * Opens the status page in a real browser, logged in and with nothing cached, `loads` times after one that is not counted.
 *
 * @returns undefined where there is no Chromium.
 */
export async function firstPaints(
  url: string,
  token: string,
  clusters: number,
  loads: number,
): Promise<FirstPaints | undefined> {
  const executablePath = PATHS.find((path) => existsSync(path));
  if (executablePath === undefined) {
    process.stderr.write('SKIPPED: the status page is measured in Chromium (Debian: apt-get install chromium)\n');
    return undefined;
  }
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
  try {
    const cookie = await logIn(url, token);
    const paintMs: number[] = [];
    const cardsMs: number[] = [];
    let pageKb = 0;
    for (let load = 0; load <= loads; load++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      await context.addCookies([{ ...cookie, url }]);
      const page = await context.newPage();
      await page.goto(url);
      await page
        .locator('.card')
        .nth(clusters - 1)
        .waitFor();
      const shownMs = await page.evaluate<number>('performance.now()');
      if (load > 0) {
        paintMs.push(await page.evaluate<number>(FIRST_PAINT));
        cardsMs.push(shownMs);
      }
      pageKb = (await page.evaluate<number>(BYTES)) / 1e3;
      await context.close();
    }
    return { paintMs, cardsMs, pageKb };
  } finally {
    await browser.close();
  }
}

async function logIn(url: string, token: string): Promise<{ name: string; value: string }> {
  const response = await fetch(new URL('/api/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  const [, name, value] = /^([^=]+)=([^;]+)/.exec(response.headers.get('set-cookie') ?? '') ?? [];
  if (name === undefined || value === undefined) throw new Error(`the login was answered with ${response.status}`);
  return { name, value };
}
