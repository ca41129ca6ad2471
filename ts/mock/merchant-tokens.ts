/**
 * The merchant portal's tokens: JSON Web Tokens (RFC 7519) verified and, with the development secret, minted by jose.
 *
 * Either HS256 with the shared secret or a key set by URL with asymmetric algorithms, never both: with both, a public key could
 * be passed off as an HMAC secret. `exp` and `merchant_id` are required. Times go by the server's clock.
 */
import { createRemoteJWKSet, type JWTVerifyOptions, jwtVerify, SignJWT } from "jose";
import { encodeUtf8 } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import type { ProvisionedJwt } from "./state/provision.js";

const ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

export interface MerchantTokens {
  /** The token's merchant, or `undefined` whatever is wrong with it. */
  verify(token: string): Promise<string | undefined>;
  /** A token for `merchantId`. Throws `ERR_PROVISION` where tokens come from elsewhere. */
  mint(merchantId: string, lifetimeSeconds: number): Promise<string>;
}

export function createMerchantTokens(jwt: ProvisionedJwt, now: () => number): MerchantTokens {
  const verifyToken = "hs256_secret" in jwt ? verifyShared(jwt.hs256_secret) : verifyRemote(jwt.jwks_url);
  const options = (algorithms: string[]): JWTVerifyOptions => ({
    algorithms,
    requiredClaims: ["exp", "merchant_id"],
    currentDate: new Date(now()),
    ...(jwt.issuer === undefined ? {} : { issuer: jwt.issuer }),
    ...(jwt.audience === undefined ? {} : { audience: jwt.audience }),
  });
  return {
    async verify(token) {
      try {
        const merchantId = await verifyToken(token, options);
        return typeof merchantId === "string" && merchantId !== "" ? merchantId : undefined;
      } catch {
        return undefined;
      }
    },
    async mint(merchantId, lifetimeSeconds) {
      if (!("hs256_secret" in jwt)) {
        throw new PosCryptoError("ERR_PROVISION", "$.jwt.jwks_url: tokens are issued by the key set's owner");
      }
      const issuedAt = Math.floor(now() / 1000);
      const token = new SignJWT({ merchant_id: merchantId })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds);
      if (jwt.issuer !== undefined) token.setIssuer(jwt.issuer);
      if (jwt.audience !== undefined) token.setAudience(jwt.audience);
      return token.sign(encodeUtf8(jwt.hs256_secret));
    },
  };
}

type Options = (algorithms: string[]) => JWTVerifyOptions;

function verifyShared(secret: string): (token: string, options: Options) => Promise<unknown> {
  const key = encodeUtf8(secret);
  return async (token, options) => (await jwtVerify(token, key, options(["HS256"]))).payload["merchant_id"];
}

function verifyRemote(url: string): (token: string, options: Options) => Promise<unknown> {
  const keys = createRemoteJWKSet(new URL(url));
  return async (token, options) => (await jwtVerify(token, keys, options(ASYMMETRIC))).payload["merchant_id"];
}
