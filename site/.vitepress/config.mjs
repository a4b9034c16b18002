// The pages of the project as a site, with a search that needs no server. They stay where they are and read well without
// it; here are only their order, and where their links lead.
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** The other folders of the project. */
const NOT_PAGES = 'activities,bench,bin,dist,docker,node_modules,packaging,scripts,site,src,test,workflows'.split(',');
const README = /README\.md$/;
/** Linked files that are no pages: policies, profiles, scripts. */
const linkedFiles = new Set();

const page = (text, path) => ({ text, link: `/docs/${path}` });

// The generator takes its configuration by the default export.
export default {
  title: 'vault-dr',
  description: 'Disaster recovery for HashiCorp Vault and OpenBao',
  srcDir: ROOT,
  srcExclude: NOT_PAGES.map((folder) => `${folder}/**`),
  outDir: join(ROOT, 'site/dist'),
  cacheDir: join(ROOT, 'site/.vitepress/cache'),
  rewrites: (path) => path.replace(README, 'index.md'),
  markdown: {
    anchor: { slugify: anchorOf },
    config: (md) => md.core.ruler.push('project-links', ({ tokens, env }) => tokens.forEach((t) => linksOf(t, env))),
  },
  // The pages lie outside of this folder, where its packages are.
  vite: {
    resolve: {
      alias: [
        { find: /^vue$/, replacement: packageFile('vue/dist/vue.runtime.esm-bundler.js') },
        { find: /^vue\/server-renderer$/, replacement: packageFile('vue/server-renderer/index.mjs') },
      ],
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      {
        text: 'The cluster is down',
        items: [
          page('What happened?', 'operate'),
          page('Restore', 'operate/restore'),
          page('Rebuild a node', 'operate/rebuild-node'),
          page('Recover the quorum', 'operate/recover-quorum'),
          page('Restore in place', 'operate/restore-in-place'),
          page('Roll back', 'operate/roll-back'),
          page('No vault-dr installed', 'no-vault-dr'),
        ],
      },
      {
        text: 'A run is open',
        items: [
          page('Approve a plan', 'operate/approve'),
          page('Unseal: for key holders', 'operate/key-holders'),
          page('The plan is refused', 'operate/refused-plans'),
          page('It waits or keeps failing', 'operate/when-it-waits'),
          page('Something died', 'operate/when-something-dies'),
          page('Temporal is lost', 'operate/lost-temporal'),
          page('Messages', 'messages'),
        ],
      },
      {
        text: 'Prepare',
        items: [
          page('Backups', 'operate/backups'),
          page('Rehearse', 'operate/rehearse'),
          page('Auto-unseal', 'operate/auto-unseal'),
          page('Consul', 'operate/consul'),
          page('Migrate to Raft', 'operate/migrate-storage'),
          page('Notifications', 'operate/notifications'),
          page('Reports and audit', 'operate/audit-and-reports'),
          page('Evidence for auditors', 'operate/evidence'),
          page('Keep leases alive', 'operate/leases'),
          page('Restore quietly', 'operate/quiet'),
          page('Delete old data', 'operate/remove-set-aside'),
          page('Upgrade', 'operate/upgrades'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Install', 'install'),
          page('Configuration', 'configuration'),
          page('Commands', 'cli'),
          page('Which method', 'methods'),
          page('Security', 'security'),
          page('How it works', 'how-it-works'),
          page('Proof by fire', 'proof'),
        ],
      },
    ],
  },
  buildEnd({ outDir }) {
    for (const file of linkedFiles) {
      const copy = join(outDir, relative(ROOT, file));
      mkdirSync(dirname(copy), { recursive: true });
      cpSync(file, copy);
    }
  },
};

/** @param path of a file of a package of this folder */
function packageFile(path) {
  return join(ROOT, 'site/node_modules', path);
}

/** As GitHub makes them, so that one link works in both. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** A README is the index of its folder; what is no page is copied beside the pages. */
function linksOf(token, env) {
  for (const child of token.children ?? []) linksOf(child, env);
  const href = token.type === 'link_open' ? token.attrGet('href') : null;
  if (href === null || /^(?:[a-z]+:|#)/.test(href)) return;
  const [path, anchor] = href.split('#');
  const file = join(dirname(join(ROOT, env.relativePath)), path);
  if (path.endsWith('.md')) {
    if (NOT_PAGES.includes(relative(ROOT, file).split('/')[0]))
      throw new Error(`${env.relativePath}: ${href} is no page of the site`);
    token.attrSet('href', path.replace(README, 'index.md') + (anchor === undefined ? '' : `#${anchor}`));
    return;
  }
  if (existsSync(join(file, 'README.md'))) {
    token.attrSet('href', `${path.replace(/\/?$/, '/')}index.md`);
    return;
  }
  if (!existsSync(file) || !statSync(file).isFile()) throw new Error(`${env.relativePath}: there is no ${href}`);
  linkedFiles.add(file);
  token.attrSet('target', '_self');
}
