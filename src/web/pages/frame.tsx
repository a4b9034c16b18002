import type { ComponentChildren } from 'preact';
import { formatTime } from '../../contract/format';
import type { ShownModel } from '../model';
import { clusterPath, OVERVIEW_PATH } from '../paths';
import { Actions } from './actions';
import { Texts } from './parts';
import { kindOf } from './words';

interface Props {
  model: ShownModel;
  disconnectedSince: string | null;
  children: ComponentChildren;
}

/** Around every page: where one is, who one is, how old it is, and what has not answered. */
export function Frame({ model, disconnectedSince, children }: Props) {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <nav aria-label="Where you are">
          <ol class="trail">
            <li>
              <a href={OVERVIEW_PATH}>vault-dr</a>
            </li>
            {trailOf(model).map(({ label, href }) => (
              <li key={label}>
                {href === null ? <span aria-current="page">{label}</span> : <a href={href}>{label}</a>}
              </li>
            ))}
          </ol>
        </nav>
        <Who model={model} />
      </header>
      <div class="connection" role="status">
        {disconnectedSince === null ? null : (
          <p class="banner">
            <strong>Not connected since {formatTime(disconnectedSince)}.</strong> What you see may be out of date.
            Trying again; <a href="">load the page again</a>.
          </p>
        )}
      </div>
      <main id="main" tabIndex={-1}>
        {children}
        <NotAnswering problems={model.problems} />
      </main>
      <footer class="bottom">
        <p>
          As of <time dateTime={model.at}>{formatTime(model.at)}</time>. Times are UTC.
        </p>
        <p id="said" class="unseen" role="status"></p>
      </footer>
    </>
  );
}

function Who({ model: { viewer, session } }: Pick<Props, 'model'>) {
  if (viewer === null && session === null) return null;
  return (
    <div class="who">
      {viewer === null ? (
        <span>Not logged in</span>
      ) : (
        <span>
          <span class="unseen">Logged in as </span>
          <strong>{viewer.name}</strong> <span class="quiet">{viewer.roles.join(', ') || 'no role'}</span>
        </span>
      )}
      {session === null ? null : 'logIn' in session ? (
        <a href={session.logIn}>Log in</a>
      ) : (
        <Actions actions={[session.logOut]} />
      )}
    </div>
  );
}

/** After what is known, which counts all the same. */
function NotAnswering({ problems }: { problems: string[] }) {
  if (problems.length === 0) return null;
  return (
    <section class="panel attention" aria-labelledby="not-answering">
      <h2 id="not-answering">Not answering</h2>
      <p>What these would say is unknown; it is neither a yes nor a no.</p>
      <Texts texts={problems} />
    </section>
  );
}

function trailOf(model: ShownModel): { label: string; href: string | null }[] {
  switch (model.page) {
    case 'overview':
      return [];
    case 'cluster':
      return [{ label: model.row.cluster, href: null }];
    case 'run':
      return [
        { label: model.line.cluster, href: clusterPath(model.line.cluster) },
        { label: kindOf(model.line.kind), href: null },
      ];
    case 'holder':
      return [
        { label: model.cluster, href: clusterPath(model.cluster) },
        { label: 'Unseal share', href: null },
      ];
    case 'message':
      return [{ label: model.title, href: null }];
  }
}
