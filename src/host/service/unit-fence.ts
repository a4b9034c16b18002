import { join } from 'node:path';
import type { Target } from '../../vault/reach/fence-targets';
import { DropIn } from './drop-in';

/** On disk: a Vault that unseals itself must not get out by a reboot. */
const OWN_UNITS = '/etc/systemd/system';
/** The last of them, so that it decides. */
const FILE = 'zz-quiet-by-vault-dr.conf';

/** Half of the loopback: to the other half the proof sends, which must fail. */
const LOOPBACK = ['127.0.0.0/9', '::1'] as const;
const PROBE = join(__dirname, 'fence-probe.js');
/** As systemd reads them anywhere in a command, without quotes. */
const PLAIN = /^[A-Za-z0-9/._:+,=@-]+$/;

/** What a Vault behind a fence can reach, and what it must be seen not to reach. */
export interface Cut {
  /** Addresses and prefixes besides the loopback. */
  reach: readonly string[];
  targets: readonly Target[];
}

/**
 * Cuts the processes of one unit off from the network, in both directions, by the kernel's own filter of their control group
 * (IPAddressDeny= of systemd.resource-control(5)). Systemd only logs where that filter does not work. So the proof is a part of
 * each start: a process in the same control group tries to get out first, and Vault is started only if it fails.
 */
export class UnitFence extends DropIn {
  constructor(directory = OWN_UNITS) {
    super(directory, FILE);
  }

  /** @returns whether it is another one than before */
  place(unit: string, run: string, cut: Cut): Promise<boolean> {
    return this.write(unit, textOf(run, cut, this.fileOf(unit)));
  }
}

/** What is refused here would be taken for something else by systemd. */
export function plainProblem(program = process.execPath): string | null {
  const odd = [program, PROBE].find((path) => !PLAIN.test(path));
  return odd === undefined ? null : `systemd could take the path ${odd} for something else`;
}

/** Runs the proof in a control group of its own with the same filter: whether this host has one at all. */
export function proofCommand(cut: Cut): string[] {
  const filter = settingsOf(cut).flatMap((setting) => ['--property', setting]);
  return ['systemd-run', '--quiet', '--wait', '--pipe', '--collect', ...filter, '--', ...probe(cut)];
}

function textOf(run: string, cut: Cut, file: string): string {
  return `# Cut off by run ${run} of vault-dr: nothing but this host reaches Vault, and Vault reaches nothing else.
# \`vault-dr go-live\` removes this file. By hand: rm ${file} && systemctl daemon-reload
[Service]
IPAddressAllow=
${settingsOf(cut).join('\n')}
ExecStartPre=+${probe(cut).join(' ')}
`;
}

function settingsOf({ reach }: Cut): string[] {
  return [`IPAddressAllow=${[...LOOPBACK, ...reach].join(' ')}`, 'IPAddressDeny=any'];
}

function probe({ targets }: Cut): string[] {
  return [process.execPath, PROBE, ...targets.flatMap(({ host, port }) => [host, String(port)])];
}
