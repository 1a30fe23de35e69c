export { connectRedis, luaScript, type LuaScript, type RedisConnection, type RedisOptions } from "./redis-client.ts";
export type { RedisState } from "./redis-breaker.ts";
export type { IoredisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from "./redis-transport.ts";
