import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { LiveStatus } from '../../src/core/contracts/AdminApi.js';
import type { GuildSummary } from '../../src/core/contracts/ClusterContract.js';
import { describeInBrowser, launchBrowser, logIn, type Visit, visit, visitLoggedIn } from './browser.js';
import { FakeAdmin, TOKEN } from './FakeAdmin.js';
import { busyStatus } from './scenarios.js';

const LOGIN_ENDED = 'Your login has ended. Log in again.';

/** The master answers when the test says so: each of these is one order of events that a fast machine seldom shows. */
describeInBrowser('status page, where answers come late', { timeout: 90_000 }, () => {
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
    expect(visited?.complaints ?? []).toEqual([]);
    visited = undefined;
  });

  async function start(status: (tick: number) => LiveStatus): Promise<void> {
    admin = new FakeAdmin(status);
    await admin.start();
  }

  /** A visitor who is logged in and sees the first numbers. The event stream may be open by then, or not. */
  async function arrive(): Promise<Page> {
    visited = await visitLoggedIn(browser, admin.url);
    return visited.page;
  }

  async function arriveOnStream(): Promise<Page> {
    const page = await arrive();
    await eventually(() => admin.viewers).toBe(1);
    return page;
  }

  /** How often the page has asked for it. */
  function asked(what: string): number {
    return admin.requests.filter((request) => request === what).length;
  }

  it('hears nothing more once somebody logs out, and says that they did', async () => {
    await start((tick) => busyStatus(2, 2, tick));
    const page = await arriveOnStream();
    const release = admin.hold('/api/logout');
    await page.getByRole('button', { name: 'Log out' }).click();
    await eventually(() => asked('POST /api/logout')).toBe(1);
    admin.step();
    await eventually(() => admin.viewers).toBe(0);
    release();
    await page.getByText('You are logged out.').waitFor();
    await logIn(page);
    await eventually(() => admin.viewers).toBe(1);
    admin.forgetLogins();
    await page.getByText(LOGIN_ENDED).waitFor();
  });

  it('logs out once where somebody presses the button twice', async () => {
    await start(() => busyStatus(2, 2));
    const page = await arriveOnStream();
    const release = admin.hold('/api/logout');
    const button = page.getByRole('button', { name: 'Log out' });
    await button.click();
    await button.click();
    await eventually(() => asked('POST /api/logout')).toBe(1);
    release();
    await page.getByText('You are logged out.').waitFor();
    expect(asked('POST /api/logout')).toBe(1);
  });

  it('is still logged in where the master did not hear the logout', async () => {
    await start((tick) => busyStatus(2, 2, tick));
    const page = await arriveOnStream();
    admin.refusal = { status: 500, code: 'INTERNAL', message: 'not now' };
    await page.getByRole('button', { name: 'Log out' }).click();
    await eventually(() => asked('GET /api/status')).toBe(3);
    await eventually(() => admin.viewers).toBe(1);
    expect(await page.locator('#app').isVisible()).toBe(true);
    admin.forgetLogins();
    await page.getByText(LOGIN_ENDED).waitFor();
  });

  it('asks for the token where the login ends before the stream is open', async () => {
    await start(() => busyStatus(2, 2));
    const release = admin.hold('/api/events');
    const page = await arrive();
    await eventually(() => asked('GET /api/events')).toBe(1);
    admin.forgetLogins();
    release();
    await page.getByText(LOGIN_ENDED).waitFor();
  });

  it('asks for the token where the login ends during a reconnection', async () => {
    await start(() => busyStatus(2, 2));
    const page = await arriveOnStream();
    const before = asked('GET /api/status');
    const release = admin.hold('/api/status');
    await admin.stop();
    await admin.start();
    await eventually(() => asked('GET /api/status')).toBeGreaterThan(before);
    admin.forgetLogins();
    release();
    await page.getByText(LOGIN_ENDED).waitFor();
  });

  it('asks for the token once where the stream and an action hear at the same time that the login has ended', async () => {
    await start(() => busyStatus(2, 2));
    const page = await arriveOnStream();
    await page.getByRole('button', { name: 'Restart all' }).click();
    const release = admin.hold('/api/restart');
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await eventually(() => asked('POST /api/restart')).toBe(1);
    admin.forgetLogins();
    release();
    await page.getByText(LOGIN_ENDED).waitFor();
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    await logIn(page);
    await page.getByRole('button', { name: 'Restart all' }).click();
    expect(await page.getByRole('dialog').getByRole('alert').isVisible()).toBe(false);
  });

  it('says that the login has ended where it did before the first answer after the login', async () => {
    await start(() => busyStatus(2, 2));
    visited = await visit(browser, admin.url);
    const { page } = visited;
    await page.getByLabel('Admin token').fill(TOKEN);
    const release = admin.hold('/api/status');
    await page.getByRole('button', { name: 'Log in' }).click();
    await eventually(() => asked('GET /api/status')).toBe(2);
    admin.forgetLogins();
    release();
    await page.getByText(LOGIN_ENDED).waitFor();
  });

  it('goes on saying that the master has stopped when a status comes after that, until it is back', async () => {
    await start((tick) => busyStatus(2, 2, tick));
    const page = await arriveOnStream();
    admin.send('stopping', {});
    await page.locator('#announcer').getByText('The master stops.').waitFor();
    admin.status = () => busyStatus(3, 2);
    admin.step();
    await page.locator('#cluster-2').waitFor();
    await admin.stop();
    await page.getByText(/The master has stopped\./).waitFor();
    await admin.start();
    await page.locator('#banner').waitFor({ state: 'hidden' });
    await admin.stop();
    await page
      .getByText(/Connection to the master lost.*The master (has closed the connection|does not answer)\./)
      .waitFor();
  });

  it('shows the logs that somebody opened before the stream was open', async () => {
    await start(() => busyStatus(8, 8));
    const release = admin.hold('/api/events');
    const page = await arrive();
    await eventually(() => asked('GET /api/events')).toBe(1);
    admin.log({ clusterId: 4, time: Date.now(), level: 'info', text: 'of cluster 4' });
    await page.getByRole('button', { name: 'Logs of cluster 4' }).click();
    release();
    await page.getByRole('log').getByText('of cluster 4').waitFor();
  });

  it('shows all logs where the master comes back without the cluster whose logs are shown', async () => {
    await start(() => busyStatus(8, 8));
    const page = await arriveOnStream();
    await page.getByRole('button', { name: 'Logs of cluster 7' }).click();
    await eventually(() => asked('GET /api/events?logs=7')).toBe(1);
    await admin.stop();
    admin.status = () => busyStatus(2, 2);
    admin.log({ clusterId: 1, time: Date.now(), level: 'info', text: 'of cluster 1' });
    await admin.start();
    await page.getByRole('log').getByText('of cluster 1').waitFor();
    expect(await page.getByLabel('Whose').inputValue()).toBe('all');
  });

  for (const [answer, refusal] of [
    ['agrees', null],
    ['refuses', { status: 409, code: 'IDENTIFY_BUDGET_SPENT', message: 'It would touch the reserve.' }],
  ] as const) {
    it(`keeps the question about another cluster open when the master ${answer} late`, async () => {
      await start(() => busyStatus(8, 8));
      const page = await arriveOnStream();
      const dialog = page.getByRole('dialog');
      await page.getByRole('button', { name: 'Restart cluster 3' }).click();
      const release = admin.hold('/api/restart');
      admin.refusal = refusal;
      await dialog.getByRole('button', { name: 'Restart' }).click();
      await eventually(() => asked('POST /api/restart')).toBe(1);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Restart cluster 5' }).click();
      release();
      const news = refusal?.message ?? 'The restart of cluster 3 has begun.';
      await page.locator('#announcer').getByText(news).waitFor({ state: 'attached' });
      await dialog.getByText('Restart cluster 5?').waitFor();
      expect(await dialog.getByRole('alert').isVisible()).toBe(false);
      await dialog.getByRole('button', { name: 'Restart' }).click();
      await dialog.waitFor({ state: 'hidden' });
      expect(admin.restarts.at(-1)).toEqual({ clusterIds: [5] });
    });
  }

  it('shows no guild under the question for another', async () => {
    await start(() => busyStatus(8, 8));
    const page = await arriveOnStream();
    const id = page.getByLabel('Id', { exact: true });
    const look = async (guildId: string): Promise<void> => {
      await id.fill(guildId);
      await id.press('Enter');
    };
    const release = admin.hold('/api/find/guild/100000000000000001');
    await look('100000000000000001');
    await eventually(() => asked('GET /api/find/guild/100000000000000001')).toBe(1);
    await look('100000000000000002');
    await page.getByText('No cluster has a guild with this id.').waitFor();
    admin.guild = guild('Golden Apples');
    const answered = page.waitForResponse(/100000000000000001/);
    release();
    await (await answered).finished();
    // The page's own turn comes before the answer to a question that it puts now.
    await page.evaluate("fetch('icon.svg').then((response) => response.text())");
    expect(await page.locator('#lookup-result').innerText()).toBe('No cluster has a guild with this id.');
  });
});

function guild(name: string): GuildSummary {
  return { id: '100000000000000001', name, memberCount: 3, channelCount: 1, ownerId: '1', shardId: 3, clusterId: 1 };
}

/** Waits for it as long as a busy machine may take. */
function eventually<Value>(look: () => Value | Promise<Value>): ReturnType<typeof expect.poll<Value>> {
  return expect.poll(look, { timeout: 30_000 });
}
