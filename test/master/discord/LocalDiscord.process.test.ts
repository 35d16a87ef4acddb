import { expect, it } from 'vitest';
import { runScript } from '../../support/runScript.js';

it('a local Discord that cannot be spawned for want of file descriptors is a start that fails, and can be tried again', async () => {
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const { LocalDiscord } = await load('master/discord/LocalDiscord.js');
    const { createLogger } = await load('core/log/logger.js');
    const discord = new LocalDiscord(createLogger({ level: 'silent' }), ['--guilds', '1']);
    const held = [];
    try { for (;;) held.push(openSync('/dev/null', 'r')); } catch {}
    const error = await discord.start().catch((error) => error);
    await discord.stop();
    for (const descriptor of held) closeSync(descriptor);
    const { url } = await discord.start();
    await discord.stop();
    console.log(JSON.stringify({ code: error.code, message: error.message, url }));
  `;
  const { stdout, stderr, code } = await runScript(script, { maxFiles: 256 });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    code: 'DISCORD_UNREACHABLE',
    message: expect.stringMatching(/^the local Discord did not start: spawn .* EMFILE$/),
    url: expect.stringContaining('http://'),
  });
});
