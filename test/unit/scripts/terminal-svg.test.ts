import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/lab/project-root';

const TERMINALS = [
  { title: 'one & two', columns: 20, rows: 3 },
  { title: 'other', columns: 10, rows: 1 },
];

describe('a recording of terminals', () => {
  it('defines a line once however often it is shown, and moves each terminal only when it changes', () => {
    const svg = render([
      { seconds: 1, screens: ['$ a\n', 'same'] },
      { seconds: 1, screens: ['$ a\n$ b\n', 'same'] },
    ]);

    expect(svg.match(/<g id="l\d+">/g)).toHaveLength(3);
    expect(svg).toContain('@keyframes k0{0.000%{transform:translateX(0px)}50.000%{transform:translateX(-192px)}');
    expect(svg).toContain('@keyframes k1{0.000%{transform:translateX(0px)}100%{transform:translateX(0px)}}');
  });

  it('shows the last frame where nothing may move', () => {
    const svg = render([
      { seconds: 1, screens: ['first', ''] },
      { seconds: 1, screens: ['last', ''] },
    ]);

    expect(svg).toContain('.f0{transform:translateX(-192px)');
    expect(svg).toContain('@media (prefers-reduced-motion:reduce){.f{animation:none}}');
  });

  it('puts each part of a line at its column, in its colour, which lasts beyond the end of the line', () => {
    const svg = render([{ seconds: 1, screens: ['a \x1b[1;32m<ok>\x1b[0m  b\x1b[2m\nc', ''] }]);

    expect(svg).toContain('<text x="16.8" textLength="33.6" class="b g">&lt;ok></text>');
    expect(svg).toContain('<text x="67.2" textLength="8.4">b</text>');
    expect(svg).toContain('<text x="0.0" textLength="8.4" class="d">c</text>');
    expect(svg).toContain('>one &amp; two</text>');
  });
});

function render(frames: { seconds: number; screens: string[] }[]): string {
  const file = join(PROJECT_ROOT, 'scripts/pictures/terminal-svg.mjs');
  const call = `terminalSvg(${JSON.stringify(TERMINALS)}, ${JSON.stringify(frames)}, { label: 'test' })`;
  const code = `import { terminalSvg } from ${JSON.stringify(file)}; process.stdout.write(${call});`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
}
