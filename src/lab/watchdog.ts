import { createInterface } from 'node:readline';
import { claimPortBlock } from './free-ports';
import { sweep } from './sweep';

/**
 * Runs as a process of its own beside each lab. It holds the ports of the lab and reads from the process that started
 * the lab; when that pipe closes, however that process ended, it ends every process of the lab and removes its
 * directory. After the line `keep` it lets the lab run on and only holds the ports.
 */
async function watch(labId: string, directory: string): Promise<void> {
  const { ports } = await claimPortBlock();
  process.stdout.write(`${JSON.stringify(ports)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'keep') {
      process.stdout.write('kept\n');
      return;
    }
  }
  await sweep(labId, directory);
  process.exit(0);
}

const [labId, directory] = process.argv.slice(2);
if (labId === undefined || directory === undefined) throw new Error('usage: watchdog LAB DIRECTORY');
watch(labId, directory).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
