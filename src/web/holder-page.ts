import { createHash } from 'node:crypto';
import { DATA_ID, type HolderPageData } from './holder-data';
import { holderPageBody } from './holder-page-body';
import { escapeHtml, jsonForHtml } from './html';

/** Made by the build: what runs in the page, how it looks, and the licences of what is in it. */
export interface PageAssets {
  script: string;
  style: string;
  licences: string;
}

/** One file that needs nothing else and loads nothing. Equal input gives equal bytes. */
export function holderPage(data: HolderPageData, { script, style, licences }: PageAssets): string {
  const policy = [
    "default-src 'none'",
    `script-src '${sourceHash(script)}'`,
    `style-src '${sourceHash(style)}'`,
    "connect-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`Unseal share for ${data.cluster}`)}</title>
<style>${inline(style, 'style')}</style>
</head>
<body>
${holderPageBody(data, licences)}
<script type="application/json" id="${DATA_ID}">${jsonForHtml(data)}</script>
<script>${inline(script, 'script')}</script>
</body>
</html>
`;
}

/** @throws Error if a browser would take another text for it than the one that is hashed */
function inline(text: string, element: 'script' | 'style'): string {
  if (/<\/(script|style)|<!--|\r|\0/i.test(text)) throw new Error(`The ${element} of the page can't stand in HTML.`);
  return text;
}

function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
