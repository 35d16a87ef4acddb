import { InvalidArgumentError } from 'commander';
import { plural } from '../../core/text/measures.js';
import type { CliCommand } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { checkAdminPort } from '../doctor/checkAdminPort.js';
import { checkDataDir } from '../doctor/checkDataDir.js';
import { checkDiscord } from '../doctor/checkDiscord.js';
import { checkRuntime } from '../doctor/checkRuntime.js';
import { checkSettings } from '../doctor/checkSettings.js';
import { type Finding, warn } from '../doctor/Finding.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { chooseDataDir, readLockOwner } from '../findMaster.js';

interface Flags {
  readonly intents: readonly string[];
}

const PRIVILEGED = ['guildMembers', 'guildPresences', 'messageContent'];
/** By eris's names (discord.com/developers/docs/events/gateway#list-of-intents). */
const INTENTS: readonly string[] = [
  ...['guilds', 'guildBans', 'guildEmojisAndStickers', 'guildEmojis', 'guildIntegrations', 'guildWebhooks'],
  ...['guildInvites', 'guildVoiceStates', 'guildMessages', 'guildMessageReactions', 'guildMessageTyping'],
  ...['directMessages', 'directMessageReactions', 'directMessageTyping', 'guildScheduledEvents'],
  ...['autoModerationConfiguration', 'autoModerationExecution', 'guildMessagePolls', 'directMessagePolls'],
  ...PRIVILEGED,
];
/** eris's names for several at once. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  all: INTENTS,
  allPrivileged: PRIVILEGED,
  allNonPrivileged: INTENTS.filter((name) => !PRIVILEGED.includes(name)),
};

export const doctorCommand: CliCommand = ({ program, action }) => {
  program
    .command('doctor')
    .description(
      'Checks everything that a start needs, and says what to do about what is wrong. Needs no running master.',
    )
    .option(
      '--intents <names>',
      "intents of your bot, as given to ClusterWorker, separated by commas (default: the framework's own)",
      parseIntents,
      [],
    )
    .addHelpText(
      'after',
      `
It changes nothing, costs no IDENTIFY, and asks Discord two questions. Exit code 1 where there is a FAIL.

Examples:
  kallisti doctor
  kallisti doctor --intents guilds,guildMembers,messageContent
  kallisti doctor --json | jq -r '.findings[] | select(.level == "fail") | .fix'`,
    )
    .action(action<Flags>(examine));
};

async function examine(context: CliContext, { intents }: Flags): Promise<ExitCode> {
  const { io, options, signal } = context;
  // The doctor says what a start would do, so here `--data-dir` is the setting itself.
  const env = options.dataDir === undefined ? io.env : { ...io.env, DATA_DIR: options.dataDir };
  const dataDir = chooseDataDir(options, env);
  const isRunning = readLockOwner(dataDir.path)?.isRunning === true;
  const settings = checkSettings(env);
  const findings: Finding[] = [...(await checkRuntime()), ...settings.findings, ...(await checkDataDir(dataDir))];
  const { config } = settings;
  if (config === undefined) {
    findings.push(warn('Discord', 'not asked, and ADMIN_PORT not tried, because a setting is wrong'));
  } else {
    findings.push(await checkAdminPort(config, dataDir, isRunning));
    findings.push(...(await checkDiscord(config, { intents, isRunning, dataDir: dataDir.path, signal })));
  }
  const failures = findings.filter(({ level }) => level === 'fail').length;
  context.show({ ok: failures === 0, findings }, () => textOf(findings, context));
  return failures === 0 ? EXIT_CODES.done : EXIT_CODES.failed;
}

function textOf(findings: readonly Finding[], { screen: { paint } }: CliContext): string {
  const labels = { ok: paint.green('ok  '), warn: paint.yellow('warn'), fail: paint.red('FAIL') };
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, level, text, fix }) => [
    `${labels[level]}  ${name.padEnd(width)}  ${text}`,
    ...(fix === undefined ? [] : [`      ${' '.repeat(width)}  ${paint.dim(`-> ${fix}`)}`]),
  ]);
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [failures, warnings] = [count('fail'), count('warn')];
  const verdict =
    failures > 0
      ? paint.red(`${plural(failures, 'thing')} to mend before a start`)
      : paint.green('Nothing keeps the bot from starting');
  return [...lines, '', `${verdict}${warnings === 0 ? '' : `, ${plural(warnings, 'warning')}`}`].join('\n');
}

function parseIntents(text: string): string[] {
  const names = text.split(/[\s,]+/).flatMap((name) => (name === '' ? [] : (GROUPS[name] ?? [name])));
  const wrong = names.filter((name) => !INTENTS.includes(name));
  if (wrong.length > 0) throw new InvalidArgumentError(`Not known: ${wrong.join(', ')}. Known: ${INTENTS.join(', ')}.`);
  return [...new Set(names)];
}
