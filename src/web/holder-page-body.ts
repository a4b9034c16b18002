import type { HolderPageData, PageKey } from './holder-data';
import { escapeHtml } from './html';

/** Names of its fields are those that `src/web/browser` looks for. */
export function holderPageBody({ cluster, version, nodes, sandboxHosts }: HolderPageData, licences: string): string {
  const name = escapeHtml(cluster);
  return `<main>
<h1>Unseal share for <strong>${name}</strong></h1>
<p>This page encrypts your unseal share for the agents of one run of vault-dr. It works without a network, and stores and
sends nothing. What it gives you can be opened by these agents only.</p>
<noscript><p class="problem">This page needs JavaScript. Open the file in a browser, not in a preview.</p></noscript>
<details>
<summary>Is this page the right one?</summary>
<p>Compare its checksum with the one that you were given when it was made, and not by the way that the file came:</p>
<pre tabindex="0"><code>sha256sum FILE
shasum -a 256 FILE
certutil -hashfile FILE SHA256</code></pre>
<p>The first is for Linux, the second for macOS, the third for Windows. The page was made by vault-dr ${escapeHtml(version)}
and trusts the keys with these fingerprints, which <code>vault-dr holder-page</code> prints too:</p>
${keyList('Nodes', nodes)}${keyList('Sandbox hosts, for drills and roll-calls', sandboxHosts)}</details>

<section aria-labelledby="step-1">
<h2 id="step-1">1. Recipients of the run</h2>
<label for="recipients">Recipients</label>
<p class="hint" id="recipients-hint">What the person who called you has sent: from <code>vault-dr unseal --recipients</code>,
<code>vault-dr status --json</code>, or the query <code>progress</code> in Temporal. Nothing in it is secret.</p>
<textarea id="recipients" rows="6" spellcheck="false" autocomplete="off" autocapitalize="off"
 aria-describedby="recipients-hint recipients-problem"></textarea>
<label for="recipients-photo">Or a picture of their QR code</label>
<p class="hint" id="photo-hint">From the camera or a file. It is read in this page, and goes nowhere.</p>
<input id="recipients-photo" type="file" accept="image/*" capture="environment"
 aria-describedby="photo-hint recipients-problem">
<label for="run">End of the run's id</label>
<p class="hint" id="run-hint">Its last 8 characters, by another way than the recipients came: let the person say them in
the call.</p>
<input id="run" type="text" spellcheck="false" autocomplete="off" autocapitalize="off" maxlength="64"
 aria-describedby="run-hint recipients-problem">
<p id="recipients-problem" class="problem" role="alert"></p>
<button id="check" type="button">Check the recipients</button>
<div id="checked" role="status"></div>
</section>

<section aria-labelledby="step-2">
<h2 id="step-2">2. Your share</h2>
<label for="holder">Your name (optional)</label>
<p class="hint" id="holder-hint">The run records it with your share.</p>
<input id="holder" type="text" spellcheck="false" autocomplete="off" maxlength="64" aria-describedby="holder-hint">
<label for="share">Unseal share</label>
<p class="hint" id="share-hint">As <code>vault operator init</code> printed it: base64 or hexadecimal. If yours is
PGP-encrypted, what <code>gpg --decrypt</code> prints. The field is emptied by the button.</p>
<input id="share" type="password" spellcheck="false" autocomplete="off" autocapitalize="off" maxlength="10000"
 aria-describedby="share-hint share-problem">
<p id="share-problem" class="problem" role="alert"></p>
<button id="encrypt" type="button">Encrypt</button>
</section>

<section aria-labelledby="step-3" id="result" hidden>
<h2 id="step-3" tabindex="-1">3. Hand the envelope in</h2>
<p id="done" role="status"></p>
<label for="envelope">Envelope</label>
<p class="hint" id="envelope-hint">It may go through a chat or a mail. Copying it also replaces a share that you have copied
before.</p>
<textarea id="envelope" rows="10" readonly spellcheck="false" aria-describedby="envelope-hint"></textarea>
<button id="copy-envelope" type="button">Copy the envelope</button>
<details>
<summary>As a QR code</summary>
<p class="hint">For a colleague's phone: it holds the envelope as it is above.</p>
<div id="envelope-code"></div>
</details>
<p>A colleague saves it as <code>envelope.txt</code> and runs:</p>
<pre tabindex="0"><code id="vault-dr"></code></pre>
<details>
<summary>By the <code>temporal</code> CLI or Temporal's Web UI</summary>
<label for="message">Message</label>
<p class="hint" id="message-hint">Input of the update or signal <code id="message-name"></code> to the workflow
<code id="workflow-id"></code>. In the Web UI open that workflow, choose <em>Send an Update</em> or <em>Send a Signal</em>,
and paste it as JSON.</p>
<textarea id="message" rows="6" readonly spellcheck="false" aria-describedby="message-hint"></textarea>
<button id="copy-message" type="button">Copy the message</button>
<p>Saved as <code>message.json</code>:</p>
<pre tabindex="0"><code id="temporal"></code></pre>
</details>
<p id="copied" role="status"></p>
<p>The answer says whether the share was accepted. Ask the person who called you for it.</p>
<button id="again" type="button">Start again</button>
</section>

<footer>
<details>
<summary>Licences</summary>
<pre tabindex="0">${escapeHtml(licences)}</pre>
</details>
</footer>
</main>`;
}

function keyList(title: string, keys: readonly PageKey[]): string {
  if (keys.length === 0) return '';
  const items = keys.map(
    ({ name, fingerprint }) => `<li>${escapeHtml(name)}<br><code>${escapeHtml(fingerprint)}</code></li>`,
  );
  return `<h2 class="small">${title}</h2>\n<ul>\n${items.join('\n')}\n</ul>\n`;
}
