// For processes of their own that tests start: `node -r typescript-hook.js -e …` loads the sources as Jest does.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

// oxlint-disable-next-line typescript/no-deprecated -- for CommonJS nothing has taken its place
require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs', ignoreDynamic: true },
  });
  module._compile(code, filename);
};
