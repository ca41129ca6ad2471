/** `#mock-node` where there is no Node: nothing to listen with and no Redis driver. The callers say so. */
export const listen = undefined;
export const loadRedis = undefined;
