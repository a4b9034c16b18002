import { z } from 'zod';

/** `host:port` of the leader's RPC; null while there is none. */
export const leaderSchema = z.string().transform((address) => address || null);

/** Of an agent, which is a server or not. */
export const selfSchema = z
  .object({ Stats: z.object({ consul: z.object({ leader: z.string().optional() }) }) })
  .transform(({ Stats }) => Stats.consul.leader === 'true');

export const peersSchema = z.array(z.string());

export interface ConsulServer {
  id: string;
  /** Name of its node. */
  name: string;
  /** `host:port` of its RPC. */
  address: string;
  leader: boolean;
  voter: boolean;
}

export const raftConfigurationSchema = z
  .object({
    Servers: z.array(
      z.object({ ID: z.string(), Node: z.string(), Address: z.string(), Leader: z.boolean(), Voter: z.boolean() }),
    ),
  })
  .transform(({ Servers }): ConsulServer[] =>
    Servers.map(({ ID, Node, Address, Leader, Voter }) => ({
      id: ID,
      name: Node,
      address: Address,
      leader: Leader,
      voter: Voter,
    })),
  );

export interface ConsulHealth {
  healthy: boolean;
  /** Servers that may fail before there is no leader. */
  failureTolerance: number;
  servers: { id: string; name: string; address: string; version: string; healthy: boolean; leader: boolean }[];
}

export const healthSchema = z
  .object({
    Healthy: z.boolean(),
    FailureTolerance: z.number().int(),
    Servers: z.array(
      z.object({
        ID: z.string(),
        Name: z.string(),
        Address: z.string(),
        Version: z.string(),
        Healthy: z.boolean(),
        Leader: z.boolean(),
      }),
    ),
  })
  .transform(({ Healthy, FailureTolerance, Servers }): ConsulHealth => ({
    healthy: Healthy,
    failureTolerance: FailureTolerance,
    servers: Servers.map(({ ID, Name, Address, Version, Healthy: healthy, Leader }) => ({
      id: ID,
      name: Name,
      address: Address,
      version: Version,
      healthy,
      leader: Leader,
    })),
  }));

/** Without its secret, which Consul answers as well. */
export interface ConsulTokenInfo {
  accessorId: string;
  description: string;
  policies: string[];
  /** ISO time; null for one that does not expire. */
  expires: string | null;
}

export const tokenSchema = z
  .object({
    AccessorID: z.string(),
    Description: z.string().default(''),
    Policies: z
      .array(z.object({ Name: z.string() }))
      .nullish()
      .transform((policies) => policies ?? []),
    ExpirationTime: z.string().nullish(),
  })
  .transform(({ AccessorID, Description, Policies, ExpirationTime }): ConsulTokenInfo => ({
    accessorId: AccessorID,
    description: Description,
    policies: Policies.map(({ Name }) => Name),
    expires: ExpirationTime ?? null,
  }));

export const permissionsSchema = z
  .array(z.object({ Allow: z.boolean() }))
  .transform((all) => all.map(({ Allow }) => Allow));

export interface ConsulEntry {
  key: string;
  value: Buffer;
  flags: bigint;
  modifyIndex: number;
  /** Id of the session that holds it as a lock; null where none does. */
  session: string | null;
}

/** Flags have 64 bits, and Vault uses the high ones: as a number of JSON the last digits would be lost. */
const kvSchema = z
  .object({
    Key: z.string(),
    Value: z.string().nullable(),
    Flags: z.string(),
    ModifyIndex: z.number(),
    Session: z.string().optional(),
  })
  .transform(({ Key, Value, Flags, ModifyIndex, Session }): ConsulEntry => ({
    key: Key,
    value: Buffer.from(Value ?? '', 'base64'),
    flags: BigInt(Flags),
    modifyIndex: ModifyIndex,
    session: Session || null,
  }));

export const entriesSchema = z.array(kvSchema);
export const keysSchema = z.array(z.string());

export const transactionSchema = z
  .object({
    Results: z
      .array(z.object({ KV: kvSchema.nullish() }))
      .nullish()
      .transform((results) => results ?? []),
  })
  .transform(({ Results }) => Results.flatMap(({ KV }) => (KV ? [KV] : [])));

export const conflictSchema = z.object({
  Errors: z.array(z.object({ OpIndex: z.number().int(), What: z.string() })).min(1),
});
