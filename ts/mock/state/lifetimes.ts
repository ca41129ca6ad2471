/** How long the mock keeps what expires. */
/** In seconds. The first two are the protocol's own. */
export interface Lifetimes {
  /** Pairing codes: 300. */
  pairingCode: number;
  /** Attestation tokens: 300. */
  attestation: number;
  /** Key sets: 30 days. */
  keySet: number;
  /** Remembered answers of idempotent requests: 24 hours. */
  idempotency: number;
  /** Remembered nonces: 10 minutes. Longer than the timestamp window of 6 minutes is wide. */
  nonce: number;
}
