import type { Action } from '../model';

/** What one may do here: without scripts, and with a step more where it is grave. */
export function Actions({ actions }: { actions: readonly Action[] }) {
  return (
    <>
      {actions.map(({ name, path, label, explanation }) => (
        <form key={name} method="post" action={path}>
          <input type="hidden" name="name" value={name} />
          <p class="hint">{explanation}</p>
          <button type="submit">{label}</button>
        </form>
      ))}
    </>
  );
}
