import { renderToString } from 'preact-render-to-string';
import type { WebAssets } from '../assets';
import { escapeHtml, jsonForHtml } from '../html';
import type { ShownModel } from '../model';
import { Page, titleOf } from '../pages/page';
import { assetPath } from './assets';

/** A page as it is served: whole without its script, which keeps it up to date. */
export function documentOf(model: ShownModel, { script, style }: Pick<WebAssets, 'script' | 'style'>): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(titleOf(model))}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${assetPath(style)}" integrity="${escapeHtml(style.integrity)}">
<script src="${assetPath(script)}" integrity="${escapeHtml(script.integrity)}" defer></script>
</head>
<body>
<div id="app">${renderToString(<Page model={model} />)}</div>
<script type="application/json" id="data">${jsonForHtml(model)}</script>
</body>
</html>
`;
}
