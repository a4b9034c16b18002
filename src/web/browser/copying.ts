/** @returns what to say to whoever has pressed the button */
export async function copied(text: string, what: string, select: () => void): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return `The ${what} is in the clipboard.`;
  } catch {
    select();
    return `This browser does not let a page copy. The ${what} is selected: copy it with Ctrl+C or the menu.`;
  }
}
