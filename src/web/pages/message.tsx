import type { MessageModel } from '../model';
import { Actions } from './actions';
import { Badge, Texts } from './parts';

export function Message({ model: { title, tone, text, next, confirm } }: { model: MessageModel }) {
  return (
    <div class="narrow">
      <h1>
        <Badge tone={tone} /> {title}
      </h1>
      <Texts texts={text} />
      {confirm === null ? null : <Actions actions={[confirm]} />}
      {next === null ? null : (
        <p>
          <a href={next.href}>{next.label}</a>
        </p>
      )}
    </div>
  );
}
