import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './CliRun.js';

const COMMANDS = ['status', 'shards', 'restart', 'eval', 'find', 'logs', 'loglevel', 'stop', 'upgrade', 'doctor'];

describe('completion for bash', () => {
  let script = '';
  beforeAll(async () => {
    const { code, stdout, stderr } = await runCli(['completion', 'bash']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    script = stdout;
  });

  /** What a real bash offers after these words, of which the last is being typed. */
  function complete(...words: string[]): string[] {
    const line = ['kallisti', ...words].map((word) => `'${word}'`).join(' ');
    const ask = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _kallisti; printf '%s\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync('bash', ['--norc', '-euc', ask], { encoding: 'utf8' });
    return output.split('\n').filter((word) => word !== '');
  }

  it('offers every command, and what they begin with', () => {
    expect(complete('')).toEqual(expect.arrayContaining([...COMMANDS, 'completion', 'help', '--json', '--data-dir']));
    expect(complete('st')).toEqual(['status', 'stop']);
    expect(complete('help', 'do')).toEqual(['doctor']);
  });

  it("offers a command's options and what its arguments may be", () => {
    expect(complete('status', '--w')).toEqual(['--watch']);
    expect(complete('find', '')).toEqual(expect.arrayContaining(['guild', 'user', 'channel', '--json']));
    expect(complete('loglevel', 'd')).toEqual(['debug']);
    expect(complete('completion', 'z')).toEqual(['zsh']);
    expect(complete('restart', '--no-w')).toEqual(['--no-wait']);
  });

  it('takes the value of an option for no command, and offers nothing of ours for it', () => {
    expect(complete('--url', 'stop', 'sh')).toEqual(['shards']);
    expect(complete('--json', 'logs', '--fol')).toEqual(['--follow']);
    expect(complete('logs', '--lines', '')).toEqual([]);
    expect(complete('--data-dir', '/et')).toEqual(['/etc']);
  });
});

it('completion for zsh is that of bash, which zsh understands after it was told to', async () => {
  const { stdout } = await runCli(['completion', 'zsh']);
  expect(stdout).toMatch(/^autoload -U \+X compinit && compinit\nautoload -U \+X bashcompinit && bashcompinit\n/);
  expect(stdout.split('\n').slice(2).join('\n')).toBe((await runCli(['completion', 'bash'])).stdout);
});

it('completion for fish holds every command and option', async () => {
  const { stdout } = await runCli(['completion', 'fish']);
  for (const name of COMMANDS) expect(stdout).toContain(`'__fish_use_subcommand' -a ${name} -d '`);
  expect(stdout).toMatch(/'__fish_seen_subcommand_from find' -a 'guild user channel'$/m);
  expect(stdout).toMatch(/'__fish_seen_subcommand_from status' -s w -l watch -d '/m);
  expect(stdout).toMatch(/^complete -c kallisti -n 'true' -l url -x -d '/m);
});

it('of a shell that it does not know is refused, with those that it knows', async () => {
  const { code, stderr } = await runCli(['completion', 'powershell']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/bash, zsh, fish/);
});
