// The image for containers: the files of the other packages on a Debian that docker/Dockerfile names.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../scripts/sources.mjs';
import { tarOf } from './archive.mjs';
import { MANIFEST } from './commit.mjs';
import { fetchNode } from './node.mjs';
import { installedTree, made, sorted } from './tree.mjs';

const run = promisify(execFile);
const EXECUTABLE = 0o755;
/** Where Temporal's client looks for authorities. Debian's small image has none. */
const AUTHORITIES = 'etc/ssl/certs/ca-certificates.crt';

export const IMAGE_NAME = `vault-dr:${MANIFEST.version}`;

export function imageFile(arch) {
  return `vault-dr-${MANIFEST.version}-linux-${arch}.oci.tar`;
}

/** Whether one can be built here: for this machine's processor alone. */
export function canBuild(arch) {
  return arch === process.arch && spawnSync('podman', ['--version']).status === 0;
}

/** Files from the root of the image. */
export async function imageTree(compiled, arch) {
  const tree = await installedTree(compiled, arch, '/usr');
  const below = tree.map((entry) => ({ ...entry, path: `usr/${entry.path}` }));
  return sorted([...below, made(AUTHORITIES, await authorities())]);
}

export function writeTree(entries, directory) {
  for (const { path, mode, bytes } of entries) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes, { mode });
  }
}

/**
 * By podman, whose layers depend on nothing but their files if it is given their time.
 * @param base image instead of the one in docker/Dockerfile
 * @returns an OCI archive
 */
export async function imageOf(tree, { time, base }) {
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-image-'));
  // Untagged, so that nothing of the same name is replaced.
  const iid = join(directory, 'iid');
  try {
    writeTree(tree, join(directory, 'program'));
    const args = [
      // Runs without an OCI runtime, so in a container as well.
      ...[
        'build',
        '--isolation',
        'chroot',
        '--quiet',
        '--no-cache',
        '--format',
        'oci',
        '--timestamp',
        String(time),
        '--iidfile',
        iid,
      ],
      ...['--file', join(ROOT, 'docker/Dockerfile'), '--target', 'vault-dr'],
      ...['--build-context', `program=${join(directory, 'program')}`],
      ...(base === undefined ? [] : ['--build-arg', `BASE_IMAGE=${base}`]),
    ];
    await run('podman', [...args, ROOT], { maxBuffer: 1 << 26 });
    const id = readFileSync(iid, 'utf8').trim();
    const layout = join(directory, 'layout');
    await run('podman', ['save', '--quiet', '--format', 'oci-dir', '--output', layout, id]);
    await run('podman', ['rmi', '--force', id]);
    return tarOf(layoutEntries(layout), '', time);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Named in the index, so that whoever loads it has a name for it. */
function layoutEntries(layout) {
  const files = readdirSync(layout, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(layout, join(entry.parentPath, entry.name)));
  return sorted(
    files.map((file) =>
      made(file, file === 'index.json' ? named(join(layout, file)) : readFileSync(join(layout, file))),
    ),
  );
}

function named(indexFile) {
  const index = JSON.parse(readFileSync(indexFile, 'utf8'));
  const [manifest] = index.manifests;
  manifest.annotations = { 'org.opencontainers.image.ref.name': IMAGE_NAME };
  return JSON.stringify(index);
}

/** Those of the Node that is shipped, whichever one runs this. */
async function authorities() {
  const directory = mkdtempSync(join(tmpdir(), 'vault-dr-node-'));
  try {
    const node = join(directory, 'node');
    writeFileSync(node, (await fetchNode(process.arch)).program, { mode: EXECUTABLE });
    const { stdout } = await run(node, ['--print', 'require("node:tls").rootCertificates.join("\\n")'], {
      maxBuffer: 1 << 26,
    });
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
