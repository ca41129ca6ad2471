/**
 * The merchant portal's tokens: JSON Web Tokens (RFC 7519), minted and verified here under the development secret, or verified by jose
 * against a key set that a URL names.
 *
 * Either HS256 with the shared secret or a key set by URL with asymmetric algorithms, never both: with both, a public key could
 * be passed off as an HMAC secret. `exp` and `merchant_id` are required. Times go by the server's clock.
 */
import { ownOptions } from "../base/arguments.js";
import { encodeUtf8, wipe } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import { importKey, type SecretKey } from "../core/keys/key.js";
import { type Claims, signHs256, verifyHs256 } from "./jwt-hs256.js";
import type { ProvisionedJwt } from "./state/provision.js";

const ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

type SharedJwt = Extract<ProvisionedJwt, { hs256_secret: string }>;
type RemoteJwt = Extract<ProvisionedJwt, { jwks_url: string }>;

export interface MerchantTokens {
  /** The token's merchant, or `undefined` whatever is wrong with it. */
  verify(token: string): Promise<string | undefined>;
  /** A token for `merchantId`. Throws `ERR_PROVISION` where tokens come from elsewhere. */
  mint(merchantId: string, lifetimeSeconds: number): Promise<string>;
  /** Destroys the key. */
  destroy(): void;
}

export function createMerchantTokens(given: ProvisionedJwt, now: () => number): MerchantTokens {
  const jwt = ownOptions("jwt", given);
  return "hs256_secret" in jwt ? sharedTokens(jwt, now) : remoteTokens(jwt, now);
}

function sharedTokens(jwt: SharedJwt, now: () => number): MerchantTokens {
  let key: SecretKey | undefined;
  const seconds = (): number => Math.floor(now() / 1000);
  const secret = (): SecretKey => {
    key ??= importSecret(jwt.hs256_secret);
    return key;
  };
  return {
    async verify(token) {
      const claims = verifyHs256(secret(), token);
      return claims !== undefined && isCurrent(claims, seconds()) && isMeant(claims, jwt) ? merchantOf(claims) : undefined;
    },
    async mint(merchantId, lifetimeSeconds) {
      const issuedAt = seconds();
      return signHs256(secret(), {
        merchant_id: merchantId,
        iat: issuedAt,
        exp: issuedAt + lifetimeSeconds,
        ...(jwt.issuer === undefined ? {} : { iss: jwt.issuer }),
        ...(jwt.audience === undefined ? {} : { aud: jwt.audience }),
      });
    },
    destroy: () => key?.destroy(),
  };
}

function importSecret(text: string): SecretKey {
  const bytes = encodeUtf8(text);
  try {
    return importKey(bytes, { algorithm: "HMAC", usage: "M7", modeOfUse: "C" });
  } finally {
    wipe(bytes);
  }
}

/** RFC 7519 4.1.4 and 4.1.5: `exp` is required, `nbf` counts where it is. */
function isCurrent({ exp, nbf }: Claims, now: number): boolean {
  if (typeof exp !== "number" || !(exp > now)) return false;
  return nbf === undefined || (typeof nbf === "number" && nbf <= now);
}

/** RFC 7519 4.1.1 and 4.1.3: an audience is one text or a list. */
function isMeant({ iss, aud }: Claims, { issuer, audience }: SharedJwt): boolean {
  return (issuer === undefined || iss === issuer) && (audience === undefined || [aud].flat().includes(audience));
}

function merchantOf({ merchant_id: merchantId }: Claims): string | undefined {
  return typeof merchantId === "string" && merchantId !== "" ? merchantId : undefined;
}

function remoteTokens(jwt: RemoteJwt, now: () => number): MerchantTokens {
  let verifier: Promise<(token: string) => Promise<Claims>> | undefined;
  return {
    async verify(token) {
      try {
        verifier ??= remoteVerifier(jwt, now);
        return merchantOf(await (await verifier)(token));
      } catch {
        return undefined;
      }
    },
    async mint() {
      throw new PosCryptoError("ERR_PROVISION", "$.jwt.jwks_url: tokens are issued by the key set's owner");
    },
    destroy() {},
  };
}

/** jose is loaded with the first token: a mock with a shared secret never needs it. */
async function remoteVerifier(jwt: RemoteJwt, now: () => number): Promise<(token: string) => Promise<Claims>> {
  const { createRemoteJWKSet, jwtVerify } = await import("jose");
  const keys = createRemoteJWKSet(new URL(jwt.jwks_url));
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ASYMMETRIC,
      requiredClaims: ["exp", "merchant_id"],
      currentDate: new Date(now()),
      ...(jwt.issuer === undefined ? {} : { issuer: jwt.issuer }),
      ...(jwt.audience === undefined ? {} : { audience: jwt.audience }),
    });
    return payload;
  };
}
