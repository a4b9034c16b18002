import { qrPath } from '../qr-path';

const SVG = 'http://www.w3.org/2000/svg';

/** A text as a QR code, or why it is none. @param label what it holds */
export function qrElement(text: string, label: string): Element {
  const code = qrPath(text);
  if (code === null) {
    const note = document.createElement('p');
    note.className = 'hint';
    note.textContent = 'It is too long for a QR code.';
    return note;
  }
  const { size, path } = code;
  const svg = made('svg', {
    class: 'qr',
    viewBox: `0 0 ${size} ${size}`,
    role: 'img',
    'aria-label': `QR code: ${label}`,
  });
  svg.append(made('path', { class: 'light', d: `M0 0h${size}v${size}H0z` }), made('path', { class: 'dark', d: path }));
  return svg;
}

function made(tag: string, attributes: Record<string, string>): Element {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
