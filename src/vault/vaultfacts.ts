/** The one row that says what this data folder is. */
import type { Connection } from './connection.ts';

export interface VaultFacts {
  readonly id: string;
  readonly hubName: string;
  readonly publicKey: string;
  readonly generation: number;
}

export function readVaultFacts(db: Connection): VaultFacts | undefined {
  return db.prepare<[], VaultFacts>('SELECT vault_id AS id, hub_name AS hubName, public_key AS publicKey, generation FROM vault').get();
}
