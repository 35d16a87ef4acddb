import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { Bot } from '../e2e/Bot.js';
import { describeInBrowser, launchBrowser, logIn, type Visit, visit } from './browser.js';
import { TOKEN } from './FakeAdmin.js';

const SHARDS = 4;
/** Real processes on a busy machine: what is waited for comes, in its time. */
const SLOW = { timeout: 60_000 };

describeInBrowser('status page of a real bot', { timeout: 180_000 }, () => {
  let browser: Browser;
  let discord: Simulator;
  let bot: Bot;
  let url: string;
  let visited: Visit;

  beforeEach(async () => {
    discord = new Simulator({ guildCount: 32, shardCount: SHARDS, identifyIntervalMs: 200, maxConcurrency: 2 });
    await discord.start();
    const port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    bot = Bot.for(discord, {
      CLUSTER_COUNT: '2',
      IDENTIFY_INTERVAL: '200ms',
      ADMIN_PORT: `${port}`,
      ADMIN_TOKEN: TOKEN,
    }).start();
    await bot.untilReady();
    browser = await launchBrowser();
    visited = await visit(browser, url);
  }, 120_000);

  afterEach(async () => {
    await browser?.close();
    await bot.dispose();
    await discord.stop();
    expect(visited.complaints).toEqual([]);
  });

  it('lets nobody in with a wrong token, and shows what the bot does to whoever has the right one', async () => {
    const { page } = visited;
    await page.getByLabel('Admin token').fill('not-the-token-at-all');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('This is not the token.').waitFor();
    await logIn(page);
    await untilSummary(page, 'All 2 ready');
    await page.locator('#tiles').getByText('4 / 4').waitFor(SLOW);

    const commands = page.locator('.tile').filter({ hasText: 'Commands per second' }).locator('.detail');
    await expect.poll(() => commands.innerText(), SLOW).toBe('0 in all');
    await discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] ?? '' }).answered;
    await expect.poll(() => commands.innerText(), SLOW).toBe('1 in all');

    await page.getByLabel('Id', { exact: true }).fill(discord.guildIds[0] ?? '');
    await page.getByLabel('Id', { exact: true }).press('Enter');
    await page.getByRole('button', { name: /^Go to cluster [01]$/ }).waitFor(SLOW);
  });

  it('restarts a cluster with its progress in view, and shows its logs', async () => {
    const { page } = visited;
    await logIn(page);
    await untilSummary(page, 'All 2 ready');
    const before = bot.clusterPids().get(1);
    await page.locator('#cluster-1').getByText(`${before}`, { exact: true }).waitFor(SLOW);
    await page.getByRole('button', { name: 'Logs of cluster 1' }).click();
    await page.getByRole('log').locator('.log').first().waitFor(SLOW);
    const lines = await page.getByRole('log').locator('.log').count();

    await page.getByRole('button', { name: 'Restart cluster 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    const panel = page.locator('#restart');
    await panel.getByText('Restart of cluster 1').waitFor(SLOW);
    await panel.getByText('✓ done').waitFor(SLOW);
    // One pause for each shard, and none of them cost an IDENTIFY.
    expect(await panel.locator('.chip').allInnerTexts()).toEqual([
      expect.stringMatching(/^2\s+\d+(\.\d)?m?s$/),
      expect.stringMatching(/^3\s+\d+(\.\d)?m?s$/),
    ]);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, resumes: 2, overlaps: 0, violations: 0 });

    const after = bot.clusterPids().get(1);
    expect(after).not.toBe(before);
    await page.locator('#cluster-1').getByText(`${after}`, { exact: true }).waitFor(SLOW);
    await page
      .locator('#cluster-1 summary')
      .getByText(/^1 restart, last: on request [\d.]+m?s ago/)
      .waitFor(SLOW);
    await expect.poll(() => page.getByRole('log').locator('.log').count(), SLOW).toBeGreaterThan(lines);
  });

  it('tells of a cluster that was killed, and why', async () => {
    const { page } = visited;
    await logIn(page);
    await untilSummary(page, 'All 2 ready');
    process.kill(bot.clusterPids().get(0) ?? 0, 'SIGKILL');
    await page
      .locator('#cluster-0 summary')
      .getByText(/^1 restart, last: crash [\d.]+m?s ago: .*SIGKILL/)
      .waitFor(SLOW);
    await untilSummary(page, 'All 2 ready');
  });

  it('notices that the master is gone, and finds the next one', async () => {
    const { page } = visited;
    await logIn(page);
    await untilSummary(page, 'All 2 ready');
    bot.signal('SIGKILL');
    await bot.ended();
    await page.getByText(/^Connection to the master lost/).waitFor(SLOW);
    const from = bot.lines.length;
    bot.start();
    // Its logins died with it.
    await page.getByText('Your login has ended. Log in again.').waitFor(SLOW);
    await logIn(page);
    await bot.untilLogged(/^ready: all/, from);
    await untilSummary(page, 'All 2 ready');
    expect(await page.locator('#banner').isVisible()).toBe(false);
  });
});

async function untilSummary(page: Page, text: string): Promise<void> {
  await expect.poll(() => page.locator('#summary').innerText(), SLOW).toBe(text);
}

/** A port that nobody has now, so that a second master can have the first one's. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
