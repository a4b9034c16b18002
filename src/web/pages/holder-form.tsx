import { handIn } from '../hand-in';
import { knownHolder } from '../known-holder';
import type { Action, ActionAnswer, HolderModel } from '../model';
import type { HolderState } from './browser-state';
import { Badge, Shell } from './parts';
import { QrCode } from './qr-code';

interface Props {
  model: HolderModel;
  state: HolderState;
}

/** No form of HTML: without its script nothing could send what is in its fields. */
export function HolderForm({ model, state }: Props) {
  return (
    <>
      <noscript>
        <p class="problem">
          Your share is encrypted by a script of this page. Allow it, or use the page without a network.
        </p>
      </noscript>
      <Recipients state={state} />
      {model.submit === null ? (
        <p class="problem">
          You can’t hand in a share here: log in with the role of a key holder, or send the envelope to a colleague.
        </p>
      ) : null}
      <Share model={model} state={state} />
      {state.envelope === null ? null : <Envelope envelope={state.envelope} model={model} />}
      {model.submit === null ? null : <Foreign submit={model.submit} state={state} />}
    </>
  );
}

/** What the browser has found out by itself. */
function Recipients({ state: { recipients } }: Pick<Props, 'state'>) {
  return (
    <div id="checked" role="status">
      {recipients === null ? (
        <p class="quiet">The recipients are checked by the script of this page.</p>
      ) : 'problem' in recipients ? (
        <p class="problem">{recipients.problem}</p>
      ) : (
        <>
          <p>
            <Badge tone="good">
              Checked here: encrypted for {recipients.nodes.join(', ')}, whose keys this page knows.
            </Badge>
          </p>
          {recipients.missing.length === 0 ? null : (
            <p>Not among them: {recipients.missing.join(', ')}. You may be asked again.</p>
          )}
        </>
      )}
    </div>
  );
}

function Share({ model: { submit }, state: { problem, busy } }: Props) {
  return (
    <section class="panel" aria-labelledby="your-share">
      <h2 id="your-share">Your share</h2>
      <HolderName submit={submit} id="holder" label="Your name" hint="The run records it with your share." />
      <label for="share">Unseal share</label>
      <p class="hint" id="share-hint">
        As <code>vault operator init</code> printed it: base64 or hexadecimal. If yours is PGP-encrypted, what{' '}
        <code>gpg --decrypt</code> prints. The field is emptied by the button.
      </p>
      <input
        id="share"
        type="password"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        maxLength={10_000}
        aria-describedby="share-hint share-problem"
        aria-invalid={problem !== null}
      />
      <p id="share-problem" class="problem" role="alert">
        {problem}
      </p>
      <button id="encrypt" type="button" aria-disabled={busy}>
        {submit === null ? 'Encrypt' : 'Encrypt and hand in'}
      </button>
    </section>
  );
}

/** As whom: who is logged in, or who they say they are. */
function HolderName({ submit, id, label, hint }: { submit: Action | null; id: string; label: string; hint: string }) {
  const known = knownHolder(submit);
  if (known !== null) {
    return (
      <p>
        {label}: <strong>{known}</strong>. {hint}
      </p>
    );
  }
  return (
    <>
      <label for={id}>{label}</label>
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
      <input id={id} type="text" spellcheck={false} autocomplete="off" maxLength={64} aria-describedby={`${id}-hint`} />
    </>
  );
}

/** What has become of a share. It stays when the run is over. */
export function Answer({ answer: { ok, text, advice } }: { answer: ActionAnswer }) {
  return (
    <div class={`panel ${ok ? 'good' : 'bad'}`}>
      <p class="lines">
        <Badge tone={ok ? 'good' : 'bad'} /> <strong>{text}</strong>
      </p>
      {advice === null ? null : <p class="lines">{advice}</p>}
    </div>
  );
}

/** So that nobody has to be asked for a share twice. */
function Envelope({ envelope, model }: { envelope: string; model: HolderModel }) {
  return (
    <section class="panel" aria-labelledby="envelope-title">
      <h2 id="envelope-title">Your envelope</h2>
      <p>It is encrypted and may go through a chat or a mail, to a colleague who hands it in:</p>
      <Shell text={envelope} label="envelope" />
      <QrCode text={envelope} label="envelope" />
      <p>
        Saved as <code>envelope.txt</code>:
      </p>
      <Shell text={handIn(model, '', envelope).vaultDr} label="command to hand it in" />
    </section>
  );
}

function Foreign({ submit, state: { foreignProblem, busy } }: { submit: Action; state: HolderState }) {
  return (
    <details>
      <summary>Hand in an envelope that was made elsewhere</summary>
      <HolderName submit={submit} id="foreign-holder" label="Name of its holder" hint="It must be who made it." />
      <label for="foreign">Envelope</label>
      <p class="hint" id="foreign-hint">
        What the page without a network gave. The camera of a phone reads it from a QR code. Never a share.
      </p>
      <textarea
        id="foreign"
        rows={6}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-describedby="foreign-hint foreign-problem"
        aria-invalid={foreignProblem !== null}
      />
      <p id="foreign-problem" class="problem" role="alert">
        {foreignProblem}
      </p>
      <button id="hand-in" type="button" aria-disabled={busy}>
        Hand in the envelope
      </button>
    </details>
  );
}
