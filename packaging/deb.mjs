// The package of Debian and Ubuntu.
import { createHash } from 'node:crypto';
import { arOf, tarOf, xz } from './archive.mjs';
import { MANIFEST } from './commit.mjs';
import { ARCHITECTURES } from './contents.mjs';
import { scripts } from './scripts.mjs';
import { made, sorted } from './tree.mjs';

/** @param tree of the prefix /usr */
export async function debOf(tree, arch, { time, level }) {
  const entries = tree.map((entry) => ({ ...entry, path: `usr/${entry.path}` }));
  const control = sorted([
    made('control', controlFile(entries, arch)),
    made('md5sums', entries.map(({ path, bytes }) => `${md5(bytes)}  ${path}\n`).join('')),
    ...Object.entries(scripts('deb')).map(([name, text]) => made(name, text, 0o755)),
  ]);
  return arOf(
    [
      { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
      { name: 'control.tar.xz', bytes: await xz(await tarOf(control, './', time), level) },
      { name: 'data.tar.xz', bytes: await xz(await tarOf(entries, './', time), level) },
    ],
    time,
  );
}

export function debName(arch) {
  return `vault-dr_${MANIFEST.version}_${ARCHITECTURES[arch].deb}.deb`;
}

function controlFile(entries, arch) {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
  return `Package: vault-dr
Version: ${MANIFEST.version}
Architecture: ${ARCHITECTURES[arch].deb}
Maintainer: vault-dr <vault-dr@localhost>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6, systemd | systemd-standalone-sysusers, util-linux
Recommends: bubblewrap, ca-certificates, openssh-client, sudo
Section: admin
Priority: optional
Description: ${MANIFEST.description.replace(/,? as .*/, '')}
 Backups, offsite copies and complete restores as durable Temporal workflows:
 controller, agent of a Vault host, and commands. Node.js is inside.
`;
}

function md5(bytes) {
  return createHash('md5').update(bytes).digest('hex');
}
