import { once } from 'node:events';
import { createServer } from 'node:net';
import { BLOCK_SIZE, claimPortBlock } from '../../../src/lab/free-ports';

test('two claims at the same time never share a port, also when they try the same place first', async () => {
  const blocks = await Promise.all([claimPortBlock(7), claimPortBlock(7), claimPortBlock(7)]);

  try {
    const ports = blocks.flatMap((block) => block.ports);
    expect(ports).toHaveLength(3 * (BLOCK_SIZE - 1));
    expect(new Set(ports).size).toBe(ports.length);
  } finally {
    await Promise.all(blocks.map((block) => block.release()));
  }
});

test('a block with a port in use is passed over', async () => {
  const free = await claimPortBlock(50);
  await free.release();
  const taken = free.ports[5] as number;
  const server = createServer().listen(taken, '127.0.0.1');
  await once(server, 'listening');

  const block = await claimPortBlock(50);

  try {
    expect(block.ports).not.toContain(taken);
  } finally {
    await block.release();
    server.close();
  }
});

test('a released block can be claimed again', async () => {
  const first = await claimPortBlock(90);
  await first.release();

  const second = await claimPortBlock(90);

  try {
    expect(second.ports).toEqual(first.ports);
  } finally {
    await second.release();
  }
});
