import type { AuthConfig, ClusterConfig, NodeConfig } from '../config/schema';
import type { VaultClient } from './client';
import { connectForLogin, connectToNode } from './connect-node';
import { logIn, logOut } from './login';

/** A client with a fresh login at its node; the token is revoked when the work ends. */
export async function withSession<T>(
  cluster: ClusterConfig,
  node: NodeConfig,
  auth: AuthConfig,
  work: (vault: VaultClient) => Promise<T>,
): Promise<T> {
  const anonymous = await connectForLogin({ ...cluster, auth }, node);
  try {
    const token = await logIn(anonymous, auth);
    const vault = await connectToNode(cluster, node, { token });
    try {
      return await work(vault);
    } finally {
      await logOut(vault, auth);
      await vault.close();
    }
  } finally {
    await anonymous.close();
  }
}
