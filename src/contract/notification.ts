/** Input of the notification command. Contains no secret. */
export interface Notification {
  /** The same if the attempt is repeated. */
  id: string;
  event:
    | 'approval wanted'
    | 'shares wanted'
    | 'decision wanted'
    | 'go-live wanted'
    | 'step retries'
    | 'reminder'
    | 'escalation'
    | 'restored'
    | 'backup failed'
    | 'copy missing'
    | 'share exposed'
    | 'drill failed'
    | 'roll-call failed';
  cluster: string;
  run: string;
  /** For people, with the command to type. */
  text: string;
  /** Whom to notify in addition. */
  alternates: string[];
}
