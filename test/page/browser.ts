import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { describe } from 'vitest';
import { CHROMIUM, NO_CHROMIUM } from '../../bench/admin/statusPage.js';
import { TOKEN } from './FakeAdmin.js';

const isCi = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';

/** `describe` if there is a browser. Without one the tests are skipped with a line that says so; in CI they fail. */
export const describeInBrowser = CHROMIUM === undefined && !isCi ? describe.skip : describe;

if (CHROMIUM === undefined && !isCi) process.stderr.write(`\n${NO_CHROMIUM}\n\n`);

/** Starts a Chromium with a new and empty profile, which is removed with it. */
export function launchBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

export interface Visit {
  readonly page: Page;
  /** Errors and warnings in the console, the policy's refusals included, and uncaught errors. */
  readonly complaints: string[];
  /** Everything that the page asked for, by URL. */
  readonly requests: string[];
}

/** A new visitor, who has no cookies. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    // A refused login and a lost master are answers that the browser itself reports.
    if (['error', 'warning'].includes(message.type()) && !/Failed to load resource/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, complaints, requests };
}

/** The same, logged in, with the numbers on the page. */
export async function visitLoggedIn(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const visited = await visit(browser, url, options);
  await logIn(visited.page);
  return visited;
}

export async function logIn(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel('Admin token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#app').waitFor();
}
