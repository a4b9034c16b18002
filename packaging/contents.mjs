// What an installation consists of. Whatever is not listed here is in no package.

/** Of the compiled program; the lab and the tests are not for installations. */
export const PROGRAM = ['activities', 'src', 'workflows', 'workflow-bundle.js', 'holder-page.js', 'web-pages.js'];
export const NOT_PROGRAM = ['src/lab/'];

/** Packages that are asked for when workflows are bundled, which was done, or by TypeScript. By the name's beginning. */
export const NOT_SHIPPED = ['@swc/core', '@swc/counter', '@swc/types', '@types/', 'swc-loader'];

/** What Node loads, and what lawyers read. */
export const RUNTIME_FILE = /(\.(js|cjs|mjs|json|node|proto|wasm)|(^|\/)(licen[cs]e|notice|copying)[^/]*)$/i;

/** Folders right in a package that its own users never load. */
export const NOT_RUNTIME = /^(\.github|__tests__|bench|benchmarks?|coverage|docs?|examples?|prebuilds|tests?)\//i;

/** By package: folders that hold what is loaded elsewhere or by other loaders. */
export const NOT_RUNTIME_OF = {
  // The sources of what is in `releases`, of which one is shipped.
  '@temporalio/core-bridge': ['sdk-core', 'src', 'ts', 'scripts', 'bridge-macros', 'releases'],
};

/** By package: the only files of it that are loaded, and what lawyers read. */
export const ONLY_OF = {
  'dejavu-fonts-ttf': /^(package\.json|LICENSE|ttf\/DejaVuSans(-Bold|Mono)?\.ttf)$/,
  fontkit: /^(package\.json|dist\/main\.cjs)$/,
  pdfkit: /^(package\.json|LICENSE|js\/pdfkit\.js)$/,
};

/** Build of Temporal's core, by the processor as Node calls it. */
export const CORE_BRIDGE = {
  arm64: 'releases/aarch64-unknown-linux-gnu/index.node',
  x64: 'releases/x86_64-unknown-linux-gnu/index.node',
};

/** The processor as each kind of package calls it. */
export const ARCHITECTURES = {
  arm64: { deb: 'arm64', rpm: 'aarch64' },
  x64: { deb: 'amd64', rpm: 'x86_64' },
};

/** Greatest size of a package that has Node inside. */
export const LARGEST_BYTES = 45_000_000;
/** Of an image, whose layers are packed less; with Debian. */
export const LARGEST_IMAGE_BYTES = 130_000_000;

/** From the root of the project to below `share`; folders with all that git knows in them. */
export const SHARED = [
  { from: 'schemas', to: 'vault-dr/schemas', names: /\.json$/ },
  { from: 'docs', to: 'vault-dr/policies', names: /^[^/]*\.hcl$/ },
  { from: 'monitoring', to: 'vault-dr/monitoring', names: /\.(yaml|json)$/ },
  { from: 'temporal-config', to: 'vault-dr/temporal-config', names: /./ },
  { from: 'docs', to: 'doc/vault-dr/docs', names: /\.(md|hcl)$/ },
  { from: 'examples', to: 'doc/vault-dr/examples', names: /./ },
];
export const SHARED_FILES = [
  { from: 'README.md', to: 'doc/vault-dr/README.md' },
  { from: 'CHANGELOG.md', to: 'doc/vault-dr/CHANGELOG.md' },
  { from: 'SECURITY.md', to: 'doc/vault-dr/SECURITY.md' },
  { from: 'LICENSE', to: 'doc/vault-dr/LICENSE' },
];
