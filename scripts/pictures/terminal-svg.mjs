// Renders a recording of terminals as one animated SVG. Without animations it shows the last frame.

const CELL = { width: 8.4, height: 18 };
const FONT = "14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";
const BAR = 30;
const MARGIN = 12;
const CLASSES = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 36: 'c' };
const STYLE = `text{font:${FONT};fill:#d6dbe4;white-space:pre}.b{font-weight:700;fill:#fff}.d{fill:#8b95a7}
.r{fill:#ff7b72}.g{fill:#6fd58a}.y{fill:#f0c674}.c{fill:#79c0ff}.t{font-size:12px;fill:#8b95a7}`;

/**
 * @typedef {{ title: string, columns: number, rows: number }} Terminal
 * @typedef {{ seconds: number, screens: string[] }} Frame how long it is shown, and what each terminal shows, with its colours as `tmux capture-pane -e` prints them
 * @param {Terminal[]} terminals one below the other
 * @param {Frame[]} frames
 * @returns {string}
 */
export function terminalSvg(terminals, frames, { label }) {
  const width = Math.ceil(Math.max(...terminals.map(({ columns }) => columns)) * CELL.width + 2 * MARGIN);
  const lines = new Map();
  const total = frames.reduce((sum, { seconds }) => sum + seconds, 0);
  let top = 0;
  const films = terminals.map(({ title, rows }, index) => {
    const height = BAR + rows * CELL.height + MARGIN;
    const scenes = scenesOf(frames, index);
    const film = scenes
      .map(({ screen }, at) => `<g transform="translate(${at * width})">${screenSvg(screen, rows, lines)}</g>`)
      .join('\n');
    const svg = `<svg y="${top}" width="${width}" height="${height}"><rect width="${width}" height="${height}" rx="8" fill="#14181f" stroke="#39414f"/>
<text class="t" x="${width / 2}" y="20" text-anchor="middle">${escaped(title)}</text>
<g transform="translate(${MARGIN} ${BAR})"><g class="f f${index}">${film}</g></g></svg>`;
    top += height + MARGIN;
    return { svg, style: filmStyle(index, scenes, width, total) };
  });
  const defs = [...lines].map(([text, id]) => `<g id="${id}">${lineSvg(text)}</g>`).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top - MARGIN}" viewBox="0 0 ${width} ${top - MARGIN}" role="img" aria-label="${escaped(label)}">
<style>${STYLE}
.f{animation:${total.toFixed(2)}s step-end infinite}${films.map(({ style }) => style).join('\n')}
@media (prefers-reduced-motion:reduce){.f{animation:none}}</style>
<defs>${defs}</defs>
${films.map(({ svg }) => svg).join('\n')}
</svg>
`;
}

/** What one terminal shows, each time from when; frames that look the same there are one scene. */
function scenesOf(frames, index) {
  const scenes = [];
  let from = 0;
  for (const { seconds, screens } of frames) {
    if (scenes.at(-1)?.screen !== screens[index]) scenes.push({ from, screen: screens[index] });
    from += seconds;
  }
  return scenes;
}

function filmStyle(index, scenes, width, total) {
  const keys = scenes.map(
    ({ from }, at) => `${((from / total) * 100).toFixed(3)}%{transform:translateX(${-at * width}px)}`,
  );
  const last = -(scenes.length - 1) * width;
  return `.f${index}{transform:translateX(${last}px);animation-name:k${index}}@keyframes k${index}{${keys.join('')}100%{transform:translateX(${last}px)}}`;
}

/** Each different line is defined once. */
function screenSvg(screen, rows, lines) {
  return selfContained(screen.split('\n').slice(0, rows))
    .map((line, row) => {
      if (lineSvg(line) === '') return '';
      if (!lines.has(line)) lines.set(line, `l${lines.size}`);
      return `<use href="#${lines.get(line)}" y="${(row + 0.8) * CELL.height}"/>`;
    })
    .join('');
}

/** A style lasts beyond the end of a line, until something changes it. */
function selfContained(lines) {
  let codes = [];
  return lines.map((line) => {
    const whole = codes.length > 0 ? `\x1b[${codes.join(';')}m${line}` : line;
    codes = partsOf(whole).codes;
    return whole;
  });
}

/** Every run of one style is put at its column, so that the font of the viewer doesn't matter. */
function lineSvg(line) {
  return partsOf(line)
    .runs.filter(({ text }) => text.trim() !== '')
    .map(({ column, text, classes }) => {
      const [{ index: blank }] = text.matchAll(/\S/g);
      const shown = text.trim();
      const x = ((column + blank) * CELL.width).toFixed(1);
      const length = `textLength="${([...shown].length * CELL.width).toFixed(1)}"`;
      return `<text x="${x}" ${length}${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}>${escaped(shown)}</text>`;
    })
    .join('');
}

/** Parts of a line between two changes of its style, as SGR sequences say it. */
function partsOf(line) {
  const runs = [];
  let codes = [];
  let column = 0;
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const sgr = /^\x1b\[([0-9;]*)m$/.exec(part);
    if (sgr) codes = nextCodes(codes, sgr[1] === '' ? ['0'] : sgr[1].split(';'));
    else if (part !== '') {
      runs.push({ column, text: part, classes: codes.flatMap((code) => CLASSES[code] ?? []) });
      column += [...part].length;
    }
  }
  return { runs, codes };
}

function nextCodes(codes, changes) {
  return changes.reduce((kept, code) => {
    if (code === '0') return [];
    if (code === '22') return kept.filter((item) => item !== '1' && item !== '2');
    if (code === '39') return kept.filter((item) => !/^3\d$/.test(item));
    return [...kept, code];
  }, codes);
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
