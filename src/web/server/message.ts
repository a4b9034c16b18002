import { OVERVIEW_PATH } from '../paths';
import type { MessageModel } from '../model';

/** A page that says one thing, before anything is known of who asks. */
export function messageModel(title: string, text: string[], tone: MessageModel['tone'] = 'bad'): MessageModel {
  return {
    page: 'message',
    at: new Date().toISOString(),
    problems: [],
    viewer: null,
    session: null,
    title,
    tone,
    text,
    next: { label: 'Overview', href: OVERVIEW_PATH },
    confirm: null,
  };
}
