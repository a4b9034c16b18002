import { hydrate, render } from 'preact';
import { DATA_ID } from '../holder-data';
import type { HolderModel, ShownModel } from '../model';
import { type BrowserState, type HolderState, UNTOUCHED } from '../pages/browser-state';
import { Page, titleOf } from '../pages/page';
import { eventsPath } from '../paths';
import { copied } from './copying';
import { checkedRecipients, encryptAndHandIn, handInForeign, sameRun, type Surroundings } from './holder-control';
import { follow } from './live';
import { element, show } from './page';
import { watchShareField } from './share-field';

const root = element('app');
let model = JSON.parse(element(DATA_ID).textContent ?? '') as ShownModel;
let browser: BrowserState = UNTOUCHED;

hydrate(<Page model={model} browser={browser} />, root);
// What needs a script is shown by it.
document.documentElement.classList.add('scripted');
document.addEventListener('click', onClick);
document.addEventListener('keydown', onKey);
if (model.page === 'holder') beginHolder(model);
if (model.page !== 'message') {
  follow(eventsPath(`${location.pathname}${location.search}`), {
    onData: (text) => take(JSON.parse(text) as ShownModel),
    onConnection: (disconnectedSince) => paint({ disconnectedSince }),
  });
}

/** The page as it is now. Nobody loses their place. */
function paint(change: Partial<BrowserState> = {}): void {
  browser = { ...browser, ...change };
  const focused = document.activeElement;
  render(<Page model={model} browser={browser} />, root);
  document.title = titleOf(model);
  if (focused !== null && !focused.isConnected) element('main').focus({ preventScroll: true });
}

function take(next: ShownModel): void {
  const before = model;
  model = next;
  if (next.page !== 'holder' || before.page !== 'holder') return paint();
  // Whatever was said belongs to other recipients, or to a run that is over.
  const kept = sameRun(before, next) ? browser.holder : { ...UNTOUCHED.holder, answer: browser.holder.answer };
  paint({ holder: { ...kept, busy: browser.holder.busy, recipients: checkedRecipients(next) } });
}

function beginHolder(first: HolderModel): void {
  watchShareField();
  paint({ holder: { ...browser.holder, recipients: checkedRecipients(first) } });
}

/** Null on other pages. */
function holderPage(): Surroundings | null {
  if (model.page !== 'holder') return null;
  return {
    // It stays that of the page for as long as the page is there.
    model: () => model as HolderModel,
    state: () => browser.holder,
    update: (change: Partial<HolderState>) => paint({ holder: { ...browser.holder, ...change } }),
  };
}

/** Of the whole document, because buttons come and go. */
function onClick({ target }: Event): void {
  const button = target instanceof Element ? target.closest('button') : null;
  if (button === null) return;
  if (button.hasAttribute('data-copy')) void copyOf(button);
  const page = holderPage();
  if (page !== null && button.id === 'encrypt') void encryptAndHandIn(page);
  if (page !== null && button.id === 'hand-in') void handInForeign(page);
}

function onKey(event: KeyboardEvent): void {
  const page = holderPage();
  if (page === null || event.key !== 'Enter' || event.isComposing) return;
  if (!(event.target instanceof HTMLInputElement) || event.target.id !== 'share') return;
  event.preventDefault();
  void encryptAndHandIn(page);
}

const SHOWN_MS = 2_500;

async function copyOf(button: HTMLButtonElement): Promise<void> {
  const code = button.closest('.command')?.querySelector('code');
  if (!code) return;
  const what = button.getAttribute('aria-label')?.replace('Copy: ', '') ?? 'text';
  const said = await copied(code.textContent ?? '', what, () => getSelection()?.selectAllChildren(code));
  show('said', said);
  button.toggleAttribute('data-copied', true);
  setTimeout(() => button.toggleAttribute('data-copied', false), SHOWN_MS);
}
