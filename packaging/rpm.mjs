// The package of Fedora, RHEL and SUSE, by their own rpmbuild.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MANIFEST } from './commit.mjs';
import { ARCHITECTURES } from './contents.mjs';
import { scripts } from './scripts.mjs';

const run = promisify(execFile);

/** @param tree of the prefix /usr */
export async function rpmOf(tree, arch, { time, level }) {
  const work = mkdtempSync(join(tmpdir(), 'vault-dr-rpm-'));
  try {
    const root = join(work, 'root');
    for (const { path, mode, bytes } of tree) write(join(root, 'usr', path), bytes, mode, time);
    const spec = join(work, 'vault-dr.spec');
    writeFileSync(spec, specOf(tree, root, level));
    const defines = {
      _topdir: work,
      _rpmdir: work,
      _buildhost: 'vault-dr',
      use_source_date_epoch_as_buildtime: 1,
      clamp_mtime_to_source_date_epoch: 1,
      // Neither strips nor packs anything: the files are the same in every kind of package.
      __os_install_post: '%{nil}',
      debug_package: '%{nil}',
      _build_id_links: 'none',
    };
    const options = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
    await run('rpmbuild', ['-bb', '--quiet', `--target=${ARCHITECTURES[arch].rpm}-linux`, ...options, spec], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(time), LC_ALL: 'C', TZ: 'UTC' },
      maxBuffer: 1 << 26,
    });
    return readFileSync(join(work, ARCHITECTURES[arch].rpm, rpmName(arch)));
  } catch (error) {
    if (error.code !== 'ENOENT' || error.syscall !== 'spawn rpmbuild') throw error;
    throw new Error('There is no rpmbuild here. Install it (Debian: apt install rpm), or leave rpm out with --only.');
  } finally {
    rmSync(work, { recursive: true });
  }
}

export function rpmName(arch) {
  return `vault-dr-${MANIFEST.version}-1.${ARCHITECTURES[arch].rpm}.rpm`;
}

function write(file, bytes, mode, time) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  chmodSync(file, mode);
  utimesSync(file, time, time);
}

function specOf(tree, root, level) {
  const { preinst, postinst, prerm, postrm } = scripts('rpm');
  const paths = tree.map(({ path }) => `/usr/${path}`);
  const own = /^\/usr\/(lib\/vault-dr|share\/vault-dr|share\/doc\/vault-dr)(\/|$)/;
  const directories = [...new Set(paths.flatMap(parents))].filter((path) => own.test(path)).toSorted();
  return `Name: vault-dr
Version: ${MANIFEST.version}
Release: 1
Summary: ${MANIFEST.description.replace(/,? as .*/, '')}
License: ${MANIFEST.license}
AutoReqProv: no
Requires: glibc >= 2.28, libstdc++, libgcc, systemd, util-linux
Recommends: bubblewrap, ca-certificates, openssh-clients, sudo
%global _binary_payload w${level}.xzdio
%description
Backups, offsite copies and complete restores as durable Temporal workflows:
controller, agent of a Vault host, and commands. Node.js is inside.
%install
mkdir -p "%{buildroot}"
cp -a "${root}/." "%{buildroot}/"
%pre
${body(preinst)}
%post
${body(postinst)}
%preun
${body(prerm)}
%postun
${body(postrm)}
%files
%defattr(-,root,root)
${directories.map((path) => `%dir ${quoted(path)}`).join('\n')}
${paths.map(quoted).join('\n')}
`;
}

/** Of a script, for a specification: a percent sign begins something there. */
function body(script) {
  return script.replace(/^#!.*\n/, '').replaceAll('%', '%%');
}

function quoted(path) {
  return `"${path.replaceAll('%', '%%')}"`;
}

function parents(path) {
  const directory = dirname(path);
  return directory === '/' ? [] : [...parents(directory), directory];
}
