/** An environment file of systemd with these variables set; whatever else is in it stays as it is. */
export function withVariables(text: string, variables: Readonly<Record<string, string>>): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const others = text.split('\n').filter((line) => {
    const [, name = ''] = /^\s*([A-Za-z_]\w*)=/.exec(line) ?? [];
    return !Object.hasOwn(variables, name);
  });
  const kept = others.join('\n').replace(/\n*$/, '');
  return `${[...(kept === '' ? [] : [kept]), ...set].join('\n')}\n`;
}
