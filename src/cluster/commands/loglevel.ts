import { defineCommand } from './Command.js';

/** Sets how much every process of the bot logs. It lasts until the process ends. */
export const loglevel = defineCommand({
  definition: {
    name: 'loglevel',
    description: 'Sets how much the processes of the bot log.',
    options: [
      {
        type: 3,
        name: 'level',
        description: 'The lowest level that is logged.',
        required: true,
        choices: [
          { name: 'trace', value: 'trace' },
          { name: 'debug', value: 'debug' },
          { name: 'info', value: 'info' },
          { name: 'warn', value: 'warn' },
          { name: 'error', value: 'error' },
        ],
      },
    ],
  },
  ownerOnly: true,
  async run(invocation, context) {
    const { level } = invocation.options;
    await context.master.request('setLogLevel', { level });
    await invocation.reply(`Every process now logs at level \`${level}\` and above.`);
  },
});
