// What lies beside a program: bill of materials, notices of third parties, copyright, manual page, completions, units.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, source } from '../scripts/sources.mjs';
import { MANIFEST } from './commit.mjs';

const NOTICE = /^(licen[cs]e|notice|copying)/i;

/** What is no identifier of SPDX alone is an expression of several, or says where the text is. */
function licenseOf(license) {
  if (/^SEE LICENSE IN /.test(license)) return { license: { name: license } };
  return /\s/.test(license) ? { expression: license } : { license: { id: license } };
}

/**
 * @param packages as `shippedPackages` returns them
 * @param node as `nodePackage` returns it; null where the user's own runs it
 * @param time seconds since 1970
 * @returns CycloneDX, as JSON
 */
export function billOfMaterials(packages, node, time) {
  const component = ({ name, version, license, integrity }, type) => ({
    'bom-ref': purl(name, version),
    type,
    name,
    version,
    purl: purl(name, version),
    hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }],
    licenses: license === undefined ? [] : [licenseOf(license)],
  });
  const { name, version, license } = MANIFEST;
  // A package that is there twice is one component.
  const byPurl = new Map(packages.map((item) => [purl(item.name, item.version), component(item, 'library')]));
  return json({
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(time * 1_000).toISOString(),
      component: {
        'bom-ref': purl(name, version),
        type: 'application',
        name,
        version,
        licenses: [{ license: { id: license } }],
      },
    },
    components: [...byPurl.values(), ...(node === null ? [] : [component(node, 'platform')])],
  });
}

function purl(name, version) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** @param nodeLicense its text, which has those of its own parts; null where it is not inside */
export function thirdPartyNotices(packages, nodeLicense) {
  const rule = '-'.repeat(80);
  const sections = packages.map(({ path, name, version, license }) => {
    const texts = readdirSync(join(ROOT, path))
      .filter((file) => NOTICE.test(file))
      .toSorted()
      .map((file) => readFileSync(join(ROOT, path, file), 'utf8').trim());
    return [rule, `${name} ${version}: ${license ?? 'see its text'}`, '', ...texts].join('\n');
  });
  const node = nodeLicense === null ? [] : [`${rule}\nNode.js\n\n${nodeLicense.toString('utf8').trim()}`];
  return `vault-dr contains the following software of others.\n\n${[...sections, ...node].join('\n\n')}\n`;
}

export function copyright() {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: vault-dr

Files: *
Copyright: the authors of vault-dr
License: Apache-2.0
 On Debian systems, the full text of the license is in
 /usr/share/common-licenses/Apache-2.0, and on all in
 /usr/share/doc/vault-dr/LICENSE. What others wrote, and under which
 licenses, is in /usr/share/doc/vault-dr/THIRD-PARTY-NOTICES.
`;
}

/** @returns `{ manual, bash, zsh, fish }`, texts */
export function commandPapers(time) {
  const { program } = source('src/cli/commands.ts');
  const { manualPage } = source('src/cli/manual.ts');
  const { treeOf } = source('src/cli/tree.ts');
  const { bashScript } = source('src/cli/completion/bash.ts');
  const { fishScript } = source('src/cli/completion/fish.ts');
  const { zshScript } = source('src/cli/completion/zsh.ts');
  const tree = treeOf(program());
  const date = new Date(time * 1_000).toISOString().slice(0, 10);
  return {
    manual: manualPage(tree, MANIFEST.version, date),
    bash: bashScript(tree),
    zsh: zshScript(tree),
    fish: fishScript(tree),
  };
}

/**
 * @param program absolute path of the command
 * @returns `{ name, text }` of each unit
 */
export function units(program) {
  const { PACKAGED, PARTS, unitText, UNIT_NAMES } = source('src/install/units.ts');
  return PARTS.map((part) => ({
    name: UNIT_NAMES[part],
    text: unitText(part, { ...PACKAGED[part], program: [program] }),
  }));
}

export function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function hexOf(integrity) {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}
