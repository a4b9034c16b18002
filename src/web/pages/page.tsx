import type { ShownModel } from '../model';
import { type BrowserState, UNTOUCHED } from './browser-state';
import { Cluster } from './cluster';
import { Frame } from './frame';
import { Holder } from './holder';
import { Message } from './message';
import { Overview } from './overview';
import { printableModel } from './printable-model';
import { Run } from './run';
import { kindOf } from './words';

interface Props {
  model: ShownModel;
  /** In a browser. */
  browser?: BrowserState;
}

/** Any page: the same on the server and in the browser, which lays it out again whenever the model changes. */
export function Page({ model, browser = UNTOUCHED }: Props) {
  const shown = printableModel(model);
  return (
    <Frame model={shown} disconnectedSince={browser.disconnectedSince}>
      <View model={shown} browser={browser} />
    </Frame>
  );
}

function View({ model, browser }: Required<Props>) {
  switch (model.page) {
    case 'overview':
      return <Overview model={model} />;
    case 'cluster':
      return <Cluster model={model} />;
    case 'run':
      return <Run model={model} />;
    case 'holder':
      return <Holder model={model} state={browser.holder} />;
    case 'message':
      return <Message model={model} />;
  }
}

/** What needs attention comes first: tabs are narrow. */
export function titleOf(given: ShownModel): string {
  const model = printableModel(given);
  switch (model.page) {
    case 'overview':
      return 'Clusters · vault-dr';
    case 'cluster':
      return `${model.row.headline} · vault-dr`;
    case 'run':
      return `${kindOf(model.line.kind)} of ${model.line.cluster}: ${model.headline.text} · vault-dr`;
    case 'holder':
      return `Unseal share for ${model.cluster} · vault-dr`;
    case 'message':
      return `${model.title} · vault-dr`;
  }
}
