import { readdirSync, statSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { LiveStatus } from '../../src/core/contracts/AdminApi.js';
import { describeInBrowser, launchBrowser, logIn, type Visit, visit, visitLoggedIn } from './browser.js';
import { FakeAdmin, PAGE, TOKEN } from './FakeAdmin.js';
import {
  busyStatus,
  crashedStatus,
  emptyStatus,
  HOSTILE,
  history,
  hostileStatus,
  rollingStatus,
  sampleAt,
} from './scenarios.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describeInBrowser('status page', { timeout: 90_000 }, () => {
  let browser: Browser;
  let admin: FakeAdmin;
  let visited: Visit | undefined;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  afterEach(async () => {
    await visited?.page.context().close();
    await admin.stop();
    // Nothing of what was done made the browser complain, least of all about the policy.
    expect(visited?.complaints ?? []).toEqual([]);
    for (const url of visited?.requests ?? []) expect(url).toContain(admin.url);
    visited = undefined;
  });

  /** A visitor of a master in this state, logged in unless said otherwise. */
  async function open(status: (tick: number) => LiveStatus, options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
    admin = new FakeAdmin(status);
    await admin.start();
    visited = await visitLoggedIn(browser, admin.url, options);
    // The numbers are there before the stream is. What is said before that is heard by nobody.
    await eventually(() => admin.viewers).toBe(1);
    return visited;
  }

  it('weighs less than 100 kB in all', async () => {
    const { page, requests } = await open(() => busyStatus(2, 2));
    const files = readdirSync(PAGE);
    const bytes = files.reduce((sum, file) => sum + statSync(new URL(file, PAGE)).size, 0);
    expect(bytes).toBeLessThan(100_000);
    // No file is there for nothing.
    await page.locator('#tiles .tile').first().waitFor();
    const asked = new Set(requests.map((url) => new URL(url).pathname.slice(1) || 'index.html'));
    expect(files.filter((file) => !asked.has(file))).toEqual([]);
  });

  it('asks for the token, refuses a wrong one, and keeps none', async () => {
    admin = new FakeAdmin(() => busyStatus(2, 2));
    await admin.start();
    visited = await visit(browser, admin.url);
    const { page } = visited;
    await page.getByLabel('Admin token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the token.').waitFor();
    admin.refusal = { status: 429, code: 'RATE_LIMITED', message: 'slowly', headers: { 'retry-after': '7' } };
    await page.keyboard.press('Enter');
    await page.getByText('Too many attempts. Wait 7 s before the next.').waitFor();
    expect(await page.locator('#app').isVisible()).toBe(false);
    await logIn(page);
    expect(await focused(page)).toBe('app-title');
    expect(await page.locator('#token').inputValue()).toBe('');
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(visited.requests.join()).not.toContain(TOKEN);
  });

  it('says when the login has ended, and goes on after the next login', async () => {
    const { page } = await open(() => busyStatus(2, 2));
    admin.forgetLogins();
    await page.getByText('Your login has ended. Log in again.').waitFor();
    expect(await page.locator('#app').isVisible()).toBe(false);
    await logIn(page);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    expect(admin.viewers).toBe(0);
  });

  it('shows a master that has no clusters yet', async () => {
    const { page } = await open(emptyStatus);
    await page.getByText('The master has no clusters yet: it waits for Discord.').waitFor();
    await page.getByText('No cluster is there yet: the master waits for Discord.').waitFor();
    expect(await page.getByRole('button', { name: 'Restart all' }).isVisible()).toBe(false);
  });

  it('shows every cluster and every shard, and changes with each status', async () => {
    const { page } = await open((tick) => busyStatus(64, 16, tick));
    await page.locator('.card').nth(63).waitFor({ state: 'attached' });
    expect(await page.locator('.shards .cell').count()).toBe(1024);
    expect(await page.title()).toBe('All 64 ready – Kallisti');
    const card = page.locator('#cluster-3');
    for (const text of ['✓ ready', 'Shards 48-63 · 16 of 16 ready', '4221']) await card.getByText(text).waitFor();
    const uptime = () => page.locator('#tiles .tile').nth(2).innerText();
    const before = await uptime();
    admin.step();
    await eventually(uptime).not.toBe(before);
    // Cards are changed in place.
    await card.getByRole('button', { name: 'Logs' }).focus();
    admin.step();
    await page.evaluate('new Promise(requestAnimationFrame)');
    expect(await focused(page)).toBe('Logs of cluster 3');
  });

  it('says what is wrong first, and what comes next', async () => {
    const { page } = await open((tick) => crashedStatus(tick));
    const attention = page.getByRole('list', { name: 'Needs attention' });
    await attention.getByText(/^Cluster 2 crashed: was killed by SIGKILL · next try in \d(\.\d)?s$/).waitFor();
    await attention.getByText('Cluster 6: has not answered for 4 s').waitFor();
    await attention.getByText(/^2 shards wait: the identify budget is spent/).waitFor();
    expect(await page.title()).toBe('✕ 1 of 8 clusters down – Kallisti');
    await page.locator('#cluster-2 summary').click();
    await page.locator('#cluster-2 li').getByText('crash 1m 35s ago: exited with code 1').waitFor();
    await page.getByLabel('Only those with problems').check();
    expect(await page.locator('.card h3').allInnerTexts()).toEqual(['Cluster 2', 'Cluster 5', 'Cluster 6']);
  });

  it('tells those who do not see it that a cluster crashed and came back', async () => {
    let crashed = false;
    const { page } = await open(() => (crashed ? crashedStatus() : busyStatus(8, 8)));
    const announcer = page.locator('#announcer[aria-live=polite]');
    crashed = true;
    admin.step();
    await eventually(() => announcer.innerText()).toBe('Cluster 2: crashed.');
    crashed = false;
    admin.step();
    await eventually(() => announcer.innerText()).toBe('2 clusters changed.');
  });

  it('tells the states of shards apart without colours, and explains each', async () => {
    const { page } = await open(() => crashedStatus());
    const block = page.getByRole('group', { name: 'Cluster 5', exact: true });
    expect(await block.getByRole('button').allInnerTexts()).toEqual('40 ›41 …42 ↻43 ✕44 ‼45 ⇄46 –47'.split(' '));
    await block.getByRole('button', { name: 'Shard 40' }).focus();
    await page.keyboard.press('ArrowRight');
    const tooltip = page.getByRole('tooltip');
    await tooltip.getByText('Shard 41 of cluster 5').waitFor();
    await page.keyboard.press('Escape');
    expect(await tooltip.isVisible()).toBe(false);
    await page.keyboard.press('End');
    await tooltip.getByText('Shard 63 of cluster 7').waitFor();
    await tooltip.getByText(/resumed 1h ago/).waitFor();
    // The whole grid is one stop.
    expect(await page.locator('.shards [tabindex="0"]').count()).toBe(1);
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('cluster-7');
  });

  it('restarts after a confirmation, and only then', async () => {
    const { page } = await open(() => busyStatus(8, 8));
    const dialog = page.getByRole('dialog');
    const opener = page.getByRole('button', { name: 'Restart cluster 3' });
    await opener.press('Enter');
    await dialog.getByText('Restart cluster 3?').waitFor();
    await dialog.getByText('8 shards, of which 8 can be resumed. IDENTIFYs left: 848.').waitFor();
    await page.keyboard.press('Escape');
    expect(await dialog.isVisible()).toBe(false);
    expect(await focused(page)).toBe('Restart cluster 3');
    // What is focused first harms nobody.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(admin.restarts).toEqual([]);
    await opener.press('Enter');
    admin.refusal = { status: 409, code: 'IDENTIFY_BUDGET_SPENT', message: 'It would touch the reserve.' };
    await dialog.getByRole('button', { name: 'Restart' }).click();
    await dialog.getByRole('alert').getByText('It would touch the reserve.').waitFor();
    await dialog.getByRole('button', { name: 'Restart' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Restart all' }).click();
    await dialog.getByText('Restart all 8 clusters?').waitFor();
    await dialog.getByRole('button', { name: 'Restart' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(admin.restarts).toEqual([{ clusterIds: [3] }, {}]);
  });

  it('shows how a rolling restart gets on, with the pause of each shard', async () => {
    let done = 2;
    const { page } = await open(() => rollingStatus(8, 8, done));
    const panel = page.locator('#restart');
    await panel.getByText('Restart of 8 clusters').waitFor();
    expect(await panel.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('2');
    expect(await panel.locator('.rows b').first().innerText()).toBe('Cluster 2');
    expect(await panel.locator('.chip').count()).toBe(16);
    expect(await panel.locator('.chip').first().innerText()).toMatch(/^8\s+(new )?\d+(\.\d)?m?s$/);
    await page.locator('#cluster-2').getByText('successor (pid 9002) starting').waitFor();
    done = 3;
    const restart = rollingStatus(8, 8, done).restart;
    if (restart === null) throw new Error('nothing rolls');
    admin.send('restart', restart);
    await panel.getByText(/^3 of 8 · .* asked for by status page/).waitFor();
    await page.getByRole('button', { name: 'Restart cluster 1' }).click();
    await page.getByText('A restart is under way. The next can begin when it has ended.').waitFor();
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).isDisabled()).toBe(true);
    done = 8;
    admin.step();
    await eventually(() => page.locator('#announcer').innerText()).toBe('Restart of 8 clusters: done');
  });

  it('shows the logs of a cluster as they come, and none of them twice', async () => {
    const { page } = await open(() => busyStatus(8, 8));
    const say = (text: string, clusterId: number | null = 4) =>
      admin.log({ clusterId, time: Date.now(), level: 'info', text });
    say('before');
    say('of another', 5);
    await page.getByRole('button', { name: 'Logs of cluster 4' }).click();
    const lines = page.getByRole('log').locator('.log').filter({ visible: true });
    const texts = () => lines.allInnerTexts();
    await eventually(texts).toEqual(['before']);
    say('a stack\n    at run (file.js:1:1)');
    admin.log({ clusterId: 4, time: Date.now(), level: 'debug', text: 'a detail' });
    await eventually(texts).toEqual(['before', 'a stack\n    at run (file.js:1:1)']);
    await page.getByLabel('Least level').selectOption('trace');
    expect((await texts()).at(-1)).toBe('a detail');
    await admin.stop();
    await page.getByText(/^Connection to the master lost/).waitFor();
    say('meanwhile');
    await admin.start();
    await eventually(async () => (await texts()).length).toBe(4);
    expect((await texts()).at(-1)).toBe('meanwhile');
    await page.getByLabel('Only lines with').fill('STACK');
    await page.getByText('1 of 4 lines').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.getByRole('log').isVisible()).toBe(false);
    expect(await focused(page)).toBe('Logs of cluster 4');
    expect(admin.requests).toContain('GET /api/events?logs=4');
  });

  it('follows the newest line until somebody scrolls up, and keeps a thousand', async () => {
    const { page } = await open(() => busyStatus(2, 2));
    await page.getByRole('button', { name: 'Logs', exact: true }).click();
    await eventually(() => admin.viewers).toBe(1);
    await eventually(() => admin.requests.at(-1)).toBe('GET /api/events?logs=all');
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        clusterId: 0,
        time: Date.now(),
        level: 'info' as const,
        text: `line ${from + i}`,
      }));
    await eventually(async () => {
      admin.send('logs', many(0, 1));
      return page.locator('.log').count();
    }).toBeGreaterThan(0);
    admin.send('logs', many(1, 1500));
    await page.getByText('line 1500', { exact: true }).waitFor();
    expect(await page.locator('.log').count()).toBe(1000);
    await page.evaluate("document.getElementById('logs-lines').scrollTop = 0");
    const follow = page.getByRole('button', { name: 'Follow' });
    await follow.waitFor();
    await follow.click();
    const rest =
      "((node) => node.scrollHeight - node.scrollTop - node.clientHeight)(document.getElementById('logs-lines'))";
    expect(await page.evaluate(rest)).toBeLessThan(2);
  });

  it('takes nothing that it is told for markup', async () => {
    const { page } = await open(hostileStatus);
    admin.guild = {
      id: '123456789012345678',
      name: HOSTILE,
      memberCount: 3,
      channelCount: 1,
      ownerId: '1',
      shardId: 3,
      clusterId: 1,
    };
    admin.log({ clusterId: 2, time: Date.now(), level: 'error', text: HOSTILE });
    await page
      .getByRole('list', { name: 'Needs attention' })
      .getByRole('button', { name: 'Logs of cluster 2' })
      .click();
    await page.getByRole('log').getByText('<img src=x').waitFor();
    await page.getByLabel('Id', { exact: true }).fill('123456789012345678');
    await page.getByLabel('Id', { exact: true }).press('Enter');
    await page.locator('#lookup-result').getByText('<img src=x').waitFor();
    expect(await page.evaluate('[document.images.length, document.scripts.length, window.hacked]')).toEqual([
      1,
      1,
      undefined,
    ]);
    // Nor for an order to turn the text around it.
    expect(await page.evaluate('/[\\u202e\\x1b\\0]/.test(document.body.textContent + document.title)')).toBe(false);
    expect(await overflow(page)).toEqual([]);
  });

  it('looks up where a guild is, and says when nobody has it', async () => {
    const { page } = await open(() => busyStatus(8, 8));
    const id = page.getByLabel('Id', { exact: true });
    await id.fill('123456789012345678');
    await id.press('Enter');
    await page.getByText('No cluster has a guild with this id.').waitFor();
    admin.guild = {
      id: '123456789012345678',
      name: 'Golden Apples',
      memberCount: 3,
      channelCount: 1,
      ownerId: '1',
      shardId: 60,
      clusterId: 7,
    };
    await id.press('Enter');
    await page.getByText('Golden Apples').waitFor();
    await page.getByRole('button', { name: 'Go to cluster 7' }).click();
    expect(await focused(page)).toBe('cluster-7');
    admin.guild = null;
    await page.getByLabel('What').selectOption('user');
    await id.press('Enter');
    await page.getByText('There is no such thing.').waitFor();
  });

  it('says that the master is lost, and finds it again by itself', async () => {
    const { page } = await open(() => busyStatus(2, 2));
    await admin.stop();
    const banner = page.getByRole('alert').filter({ hasText: 'Connection to the master lost' });
    await banner.waitFor();
    expect(await page.title()).toBe('✕ Connection lost – Kallisti');
    // The last numbers stay, and look old.
    expect(await page.locator('body.stale #cluster-0').isVisible()).toBe(true);
    await banner.getByText('Trying again in 5 s.').waitFor();
    await admin.start();
    // By script: a real click would wait for ever where the page has been faster than we.
    await page.evaluate("document.getElementById('retry').click()");
    await banner.waitFor({ state: 'hidden' });
    expect(await page.title()).toBe('All 2 ready – Kallisti');
    expect(await page.locator('body.stale').count()).toBe(0);
  });

  it('notices a master that is there and says nothing', async () => {
    const { page } = await open(() => busyStatus(2, 2));
    admin.silent = true;
    await page.getByText(/Nothing has come from the master for 6 s\./).waitFor();
    admin.silent = false;
    await page.locator('#banner').waitFor({ state: 'hidden' });
  });

  it('draws the last hour, and reads it with the arrow keys', async () => {
    const status = busyStatus(8, 8);
    const { page } = await open(() => status);
    const chart = page.getByRole('slider', { name: 'Guilds, the last hour' });
    await eventually(() => chart.locator('.line').getAttribute('d')).toMatch(/^M0\.8,[\d.]+(L[\d.]+,[\d.]+){359}$/);
    // Ten samples without a latency are a gap, not zeroes.
    const latency = page.getByRole('slider', { name: 'Command p50 / p99, the last hour' });
    expect((await latency.locator('.line').first().getAttribute('d'))?.match(/M/g)).toHaveLength(2);
    const tile = page.locator('.tile').filter({ hasText: 'Guilds' });
    const value = () => tile.locator('.value').innerText();
    const live = await value();
    await chart.press('Home');
    expect(await value()).not.toBe(live);
    expect(await chart.getAttribute('aria-valuetext')).toMatch(/^[\d,]+ at \d\d:\d\d:\d\d$/);
    await chart.press('ArrowRight');
    expect(await chart.getAttribute('aria-valuenow')).toBe('1');
    await chart.press('Escape');
    expect(await value()).toBe(live);
    admin.send('sample', { ...sampleAt(status, Date.now() + 10_000, 1), guilds: 2 * status.totals.guilds });
    await tile.getByText(`max ${(2 * status.totals.guilds).toLocaleString('en')}`).waitFor();
    admin.send('history', history(status, 3));
    await tile.getByText('5 min').waitFor();
  });

  it('can be used by keyboard alone, and shows where the focus is', async () => {
    const { page } = await open(() => busyStatus(2, 2));
    await page.reload();
    await page.locator('.card').first().waitFor();
    const stops: string[] = [];
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      const stop = await page.evaluate<[string, string] | null>(
        '(() => { const node = document.activeElement; if (node === document.body) return null; ' +
          'return [node.getAttribute("aria-label") ?? node.id + node.textContent.slice(0, 20), ' +
          'getComputedStyle(node).outlineStyle]; })()',
      );
      if (stop === null) break;
      stops.push(stop[0]);
      expect(stop).toEqual([stop[0], 'solid']);
    }
    expect(stops.slice(0, 3)).toEqual(['restart-allRestart all', 'open-logsLogs', 'log-outLog out']);
    expect(stops).toContain('Restart cluster 1');
    expect(stops.filter((stop) => /^Shard \d/.test(stop))).toHaveLength(1);
  });

  it('fits a phone', async () => {
    const { page } = await open(() => crashedStatus(), PHONE);
    expect(await overflow(page)).toEqual([]);
    await page.getByRole('button', { name: 'Logs', exact: true }).tap();
    await page.getByRole('log').waitFor();
    expect(await overflow(page)).toEqual([]);
  });

  it('is dark where the system is', async () => {
    const background = () => visited?.page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    await open(() => busyStatus(2, 2), { colorScheme: 'dark' });
    expect(await background()).toBe('rgb(14, 17, 22)');
    await visited?.page.emulateMedia({ colorScheme: 'light' });
    expect(await background()).toBe('rgb(244, 245, 247)');
  });
});

/** Waits for it as long as a busy machine may take. */
function eventually<Value>(look: () => Value | Promise<Value>): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(look, { timeout: 30_000 });
}

/** What has the focus, by its name. */
function focused(page: Visit['page']): Promise<string> {
  return page.evaluate<string>('document.activeElement.getAttribute("aria-label") ?? document.activeElement.id');
}

/** What is wider than the place that it has, but for what scrolls or is cut on purpose. */
function overflow(page: Visit['page']): Promise<string[]> {
  return page.evaluate<string[]>(
    '[...document.querySelectorAll("body, body *")].filter((node) => node.scrollWidth > node.clientWidth + 1 && ' +
      'node.clientWidth > 0 && !node.matches(".unseen, select, input") && ' +
      'getComputedStyle(node).display !== "inline").map((node) => node.tagName + "#" + node.id + "." + node.className)',
  );
}
