import type { ShownModel } from '../model';

/** Any page, on the server and in the browser. */
export function Page({ model }: { model: ShownModel; disconnectedSince?: string | null }) {
  return (
    <main>
      <h1>{titleOf(model)}</h1>
      <pre>{JSON.stringify(model, null, 2)}</pre>
    </main>
  );
}

export function titleOf(model: ShownModel): string {
  switch (model.page) {
    case 'message':
      return model.title;
    case 'overview':
      return 'vault-dr';
    case 'cluster':
      return model.row.cluster;
    case 'run':
      return `${model.line.cluster}: ${model.headline.text}`;
    case 'holder':
      return `Unseal share for ${model.cluster}`;
  }
}
