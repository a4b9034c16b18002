/** What the notification command gets to know. Holds no secret. */
export interface Notification {
  /** Stays the same when the attempt is repeated. */
  id: string;
  event:
    | 'approval wanted'
    | 'shares wanted'
    | 'decision wanted'
    | 'step retries'
    | 'reminder'
    | 'escalation'
    | 'restored'
    | 'backup failed'
    | 'copy missing'
    | 'share exposed';
  cluster: string;
  run: string;
  /** For people, with the command to type. */
  text: string;
  /** Whom to tell beside the usual ones. */
  alternates: string[];
}
