/** `describe`, or, where the machine lacks what it takes, a group of tests that are left out and say why. */
export function describeIf(possible: boolean, needs: string): (name: string, tests: () => void) => void {
  return (name, tests) => (possible ? describe(name, tests) : describe.skip(`${name} (left out: ${needs})`, tests));
}

/** Tests that give files to other users. */
export const describeAsRoot = describeIf(process.getuid?.() === 0, 'only root gives files to others');
