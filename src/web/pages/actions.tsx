import type { Action, ActionField } from '../model';

/** What one may do here: forms, which work without scripts. Of a grave one the server asks once more. */
export function Actions({ actions }: { actions: readonly Action[] }) {
  return (
    <>
      {actions.map((action) => (
        <ActionForm key={action.name} action={action} />
      ))}
    </>
  );
}

function ActionForm({ action: { name, path, label, explanation, grave, fields } }: { action: Action }) {
  const hint = `action-${name}`;
  return (
    <form class={grave ? 'action grave' : 'action'} method="post" action={path} autocomplete="off">
      {explanation === '' ? null : (
        <p class="hint" id={hint}>
          {explanation}
        </p>
      )}
      {fields.map((field) => (
        <Field key={field.name} id={`${hint}-${field.name}`} field={field} />
      ))}
      <button type="submit" {...(explanation === '' ? {} : { 'aria-describedby': hint })}>
        {label}
      </button>
    </form>
  );
}

function Field({ id, field }: { id: string; field: ActionField }) {
  const { name, label, hint, kind, value, choices, required } = field;
  if (kind === 'hidden') return <input type="hidden" name={name} value={value} />;
  if (kind === 'fixed' || kind === 'shown') return <Unchangeable field={field} />;
  const described = hint === null ? {} : { 'aria-describedby': `${id}-hint` };
  const common = { id, name, required, spellcheck: false, ...described };
  return (
    <>
      <label for={id}>{label}</label>
      {hint === null ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {kind === 'multiline' ? <textarea {...common} rows={6} defaultValue={value} /> : null}
      {kind === 'text' ? <input {...common} type="text" maxLength={256} defaultValue={value} /> : null}
      {kind === 'choice' ? (
        <select {...common}>
          {choices.map((choice) => (
            <option key={choice} value={choice} selected={choice === value}>
              {choice}
            </option>
          ))}
        </select>
      ) : null}
    </>
  );
}

/** In full, because people compare or sign it. */
function Unchangeable({ field: { name, label, hint, kind, value } }: { field: ActionField }) {
  return (
    <>
      <p>{label}</p>
      {hint === null ? null : <p class="hint">{hint}</p>}
      <div class="command">
        <pre tabIndex={0}>
          <code>{value}</code>
        </pre>
        {kind === 'shown' ? (
          <button type="button" class="copy" data-copy aria-label={`Copy: ${label}`}>
            <span class="before">Copy</span>
            <span class="after">Copied</span>
          </button>
        ) : null}
      </div>
      {kind === 'fixed' ? <input type="hidden" name={name} value={value} /> : null}
    </>
  );
}
