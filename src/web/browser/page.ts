/** The parts of the page, by their ids. Text from outside enters it as text only. */

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no ${id}.`);
  return found;
}

export function field(id: string): HTMLInputElement | HTMLTextAreaElement {
  const found = element(id);
  if (found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement) return found;
  throw new Error(`${id} is no field.`);
}

export function show(id: string, text: string): void {
  element(id).textContent = text;
}

/** A problem, and which fields have it; none for an empty text. */
export function showProblem(id: string, text: string, fields: readonly string[]): void {
  show(id, text);
  for (const name of fields) {
    if (text === '') field(name).removeAttribute('aria-invalid');
    else field(name).setAttribute('aria-invalid', 'true');
  }
}

export function onPress(id: string, act: () => void): void {
  element(id).addEventListener('click', act);
}

export function onEnter(id: string, act: () => void): void {
  element(id).addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    act();
  });
}

export function paragraph(text: string): HTMLElement {
  return withText('p', text);
}

export function list(items: readonly (readonly [text: string, code: string])[]): HTMLElement {
  const all = document.createElement('ul');
  for (const [text, code] of items) {
    const item = withText('li', text);
    item.append(document.createElement('br'), withText('code', code));
    all.append(item);
  }
  return all;
}

function withText(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
