export const RULE_FILE = '/etc/polkit-1/rules.d/60-vault-dr-agent.rules';

/**
 * Allows a user to start and stop one unit, and nothing else of systemd. To mask it would take the right to change every unit
 * file, which is that of root.
 */
export function polkitRule(user: string, unit: string): string {
  return `polkit.addRule(function (action, subject) {
  if (
    action.id == 'org.freedesktop.systemd1.manage-units' &&
    subject.user == ${JSON.stringify(user)} &&
    action.lookup('unit') == ${JSON.stringify(unit)} &&
    ['start', 'stop', 'reset-failed'].indexOf(action.lookup('verb')) >= 0
  ) {
    return polkit.Result.YES;
  }
});
`;
}
