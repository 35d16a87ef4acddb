import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

export interface PageReport {
  /** From the request for the page to its first content on the screen, by load, in milliseconds. */
  readonly paintMs: readonly number[];
  /** From the same moment until every cluster has its card. */
  readonly cardsMs: readonly number[];
  /** Processor time that the page takes in each of ten seconds with one status each, in milliseconds. */
  readonly updateMs: readonly number[];
  /** What one load has brought over the wire. */
  readonly pageKb: number;
}

/** Where this machine has Chromium; undefined: nowhere. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const NO_CHROMIUM = 'SKIPPED: the status page needs Chromium (Debian: apt-get install chromium)';

const UPDATES = 10;
const FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity";
const BYTES =
  "performance.getEntries().filter(({ name }) => !name.includes('/api/')).reduce((sum, { encodedBodySize = 0 }) => " +
  'sum + encodedBodySize, 0)';

/**
 * Opens the status page in a real browser, logged in and with nothing cached, `loads` times after one that is not counted. The last
 * of them is watched while the master sends its status.
 *
 * @returns undefined if there is no Chromium.
 */
export async function measurePage(
  url: string,
  token: string,
  clusters: number,
  loads: number,
): Promise<PageReport | undefined> {
  if (CHROMIUM === undefined) {
    process.stderr.write(`${NO_CHROMIUM}\n`);
    return undefined;
  }
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  try {
    const cookie = { ...(await logIn(url, token)), url };
    const paintMs: number[] = [];
    const cardsMs: number[] = [];
    let page = await open(browser, cookie, clusters);
    for (let load = 0; load < loads; load++) {
      await page.context().close();
      page = await open(browser, cookie, clusters);
      cardsMs.push(await page.evaluate<number>('performance.now()'));
      paintMs.push(await page.evaluate<number>(FIRST_PAINT));
    }
    const pageKb = (await page.evaluate<number>(BYTES)) / 1e3;
    return { paintMs, cardsMs, updateMs: await watch(page), pageKb };
  } finally {
    await browser.close();
  }
}

async function open(
  browser: Browser,
  cookie: { readonly name: string; readonly value: string; readonly url: string },
  clusters: number,
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addCookies([cookie]);
  const page = await context.newPage();
  await page.goto(cookie.url);
  await page
    .locator('.card')
    .nth(clusters - 1)
    .waitFor();
  return page;
}

async function watch(page: Page): Promise<readonly number[]> {
  const session = await page.context().newCDPSession(page);
  // Processor time, so that what others do on this machine meanwhile does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busyMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0);
  };
  const updateMs: number[] = [];
  for (let update = 0; update < UPDATES; update++) {
    const before = await busyMs();
    await sleep(1_000);
    updateMs.push((await busyMs()) - before);
  }
  return updateMs;
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
