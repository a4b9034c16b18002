// The files of an installation below its prefix, such as /usr: `{ path, mode, bytes }`, sorted by path.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../scripts/sources.mjs';
import { commitTime, MANIFEST, trackedFiles } from './commit.mjs';
import { NOT_PROGRAM, PROGRAM, SHARED, SHARED_FILES } from './contents.mjs';
import { fetchNode, nodePackage } from './node.mjs';
import { filesOfPackage, shippedPackages } from './packages.mjs';
import { billOfMaterials, commandPapers, copyright, json, thirdPartyNotices, units } from './papers.mjs';

const EXECUTABLE = 0o755;
const LIB = 'lib/vault-dr';

/**
 * @param compiled directory that `compile` has made
 * @param arch `x64` or `arm64`
 * @param prefix where it will be installed; units name the program there
 */
export async function installedTree(compiled, arch, prefix) {
  const time = commitTime();
  const packages = shippedPackages();
  const node = await fetchNode(arch);
  const { manual, bash, zsh, fish } = commandPapers(time);
  return sorted([
    own('bin/vault-dr', 'packaging/files/launcher.sh', EXECUTABLE),
    made(`${LIB}/node`, node.program, EXECUTABLE),
    own(`${LIB}/state-format`, 'packaging/files/state-format'),
    ...programFiles(compiled, LIB),
    ...packageFiles(packages, arch, LIB),
    ...units(`${prefix}/bin/vault-dr`).map(({ name, text }) => made(`lib/systemd/system/${name}`, text)),
    own('lib/sysusers.d/vault-dr.conf', 'packaging/files/sysusers.conf'),
    made('share/man/man1/vault-dr.1.gz', gzipSync(manual, { level: 9 })),
    made('share/bash-completion/completions/vault-dr', bash),
    made('share/zsh/vendor-completions/_vault-dr', zsh),
    made('share/fish/vendor_completions.d/vault-dr.fish', fish),
    ...sharedFiles('share'),
    made('share/doc/vault-dr/copyright', copyright()),
    made('share/doc/vault-dr/THIRD-PARTY-NOTICES', thirdPartyNotices(packages, node.license)),
    made('share/doc/vault-dr/sbom.cdx.json', billOfMaterials(packages, nodePackage(arch), time)),
  ]);
}

/** Policies, schemas, documentation. @param to folder below the prefix */
export function sharedFiles(to) {
  const ofFolders = SHARED.flatMap((folder) =>
    trackedFiles(folder.from)
      .filter((name) => folder.names.test(name))
      .map((name) => own(`${to}/${folder.to}/${name}`, `${folder.from}/${name}`)),
  );
  return [...ofFolders, ...SHARED_FILES.map((file) => own(`${to}/${file.to}`, file.from))];
}

/** @param to folder below the prefix, `.` for itself */
export function programFiles(compiled, to) {
  const files = readdirSync(compiled, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => relative(compiled, join(entry.parentPath, entry.name)))
    .filter((file) => PROGRAM.some((part) => file === part || file.startsWith(`${part}/`)))
    .filter((file) => !NOT_PROGRAM.some((part) => file.startsWith(part)));
  return [
    own(join(to, 'bin/vault-dr.js'), 'bin/vault-dr.js', EXECUTABLE),
    made(join(to, 'package.json'), json(installedManifest())),
    ...files.map((file) => made(join(to, 'dist', file), readFileSync(join(compiled, file)))),
  ];
}

/** What the program reads of it, and what tools expect: without scripts and what only developers need. */
export function installedManifest() {
  const { name, version, description, license, engines, bin, dependencies } = MANIFEST;
  return { name, version, description, license, engines, bin, dependencies };
}

function packageFiles(packages, arch, to) {
  return packages.flatMap((item) => filesOfPackage(item, arch).map((file) => own(`${to}/${file}`, file)));
}

/** A file of the project as it is. */
export function own(path, file, mode = 0o644) {
  return made(path, readFileSync(join(ROOT, file)), mode);
}

export function made(path, content, mode = 0o644) {
  return { path, mode, bytes: Buffer.from(content) };
}

export function sorted(entries) {
  return entries.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}
