import { recipientsText } from '../../contract/recipients';
import type { HolderModel } from '../model';
import { PURPOSES } from '../purposes';
import { runPath } from '../paths';
import type { HolderState } from './browser-state';
import { Answer, HolderForm } from './holder-form';
import { Badge, Facts, Shell, Time } from './parts';
import { QrCode } from './qr-code';
import { Shares } from './run-parts';
import { startOf } from '../run-recipients';

interface Props {
  model: HolderModel;
  state: HolderState;
}

/** For one holder, at night: what is asked of whom, by which run, and what becomes of it. */
export function Holder({ model, state }: Props) {
  const { cluster, phase, waiting, over, purpose, run, recipients, shares, at } = model;
  const started = startOf(run);
  return (
    <div class="narrow">
      <h1>
        Unseal share for <strong>{cluster}</strong>
      </h1>
      <div role="status">
        <p class="state">
          <Badge tone={over !== null ? 'neutral' : waiting ? 'attention' : 'neutral'}>{stateOf(model)}</Badge>
        </p>
      </div>
      {over === null ? <p>{PURPOSES[purpose]}</p> : null}
      <Facts
        facts={[
          ['Phase', phase],
          [
            'Run',
            <>
              ends with <strong class="run-end">{run.slice(-8)}</strong>
              {started === null ? null : (
                <>
                  , started <Time time={new Date(started).toISOString()} at={at} />
                </>
              )}{' '}
              <a href={runPath({ cluster, kind: KINDS[purpose], run })}>What it does</a>
            </>,
          ],
        ]}
      />
      {shares === null ? null : <Shares shares={shares} at={at} />}
      <div role="status" id="answer">
        {state.answer === null ? null : <Answer answer={state.answer} />}
      </div>
      {over === null && waiting ? <HolderForm model={model} state={state} /> : null}
      {recipients.length === 0 || over !== null ? null : (
        <details>
          <summary>Recipients for the page without a network</summary>
          <p>
            For a holder who uses the file that <code>vault-dr holder-page</code> wrote. Nothing in it is secret. Say in
            a call that the run ends with <strong>{run.slice(-8)}</strong>.
          </p>
          <Shell text={recipientsText(model)} label="recipients" />
          <QrCode text={recipientsText(model)} label="recipients of the run" />
        </details>
      )}
      <Trust model={model} />
    </div>
  );
}

const KINDS = { restore: 'recovery', drill: 'drill', 'roll-call': 'roll-call', recover: 'secrets' } as const;

function stateOf({ over, waiting, phase, shares }: HolderModel): string {
  if (over !== null) return over;
  if (!waiting) return `Shares are not taken yet: the run is in the phase ${phase}.`;
  const missing = shares === null ? null : Math.max(0, shares.required - shares.accepted.length);
  if (missing === null) return 'The run waits for shares.';
  return missing === 1 ? 'One share is missing.' : `${missing} shares are missing.`;
}

/** Whoever serves a page can read what is typed into it. */
function Trust({ model: { keys, offlineSha256 } }: Pick<Props, 'model'>) {
  const all = [...keys.nodes, ...keys.sandboxHosts];
  return (
    <details>
      <summary>What this page can promise, and what it can’t</summary>
      <p>
        Your share is encrypted in this browser, for hosts whose keys are in the configuration of this server. Somebody
        who can only write to Temporal can’t read it, and can’t put a host of their own among these.
      </p>
      <p>
        Whoever runs this server, or has taken it over, could change this page and its keys. Compare the fingerprints
        with those on paper or in your own file, and the end of the run with what the person who called you has said. If
        in doubt, use the page without a network, which you have kept yourself.
      </p>
      <ul class="keys">
        {all.map(({ name, fingerprint }) => (
          <li key={`${name} ${fingerprint}`}>
            {name}
            <br />
            <code>{fingerprint}</code>
          </li>
        ))}
      </ul>
      {offlineSha256 === null ? null : (
        <p>
          SHA-256 of the page without a network that <code>vault-dr holder-page</code> writes from this configuration:{' '}
          <code>{offlineSha256}</code>
        </p>
      )}
    </details>
  );
}
