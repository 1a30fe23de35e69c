export {
  type ActiveUsers,
  type ActiveUsersCount,
  type ActiveUsersOptions,
  createActiveUsers,
} from "./redis/active-users.ts";
export type { ActiveWindow } from "./redis/active-users-keys.ts";
export { type CounterSync, type CounterSyncOptions, createCounterSync } from "./redis/counter-sync.ts";
export type { CounterOwner } from "./redis/hot-counter-keys.ts";
export type { UsageTotals } from "./redis/hot-counter-totals.ts";
export {
  type AheadCounters,
  type AppliedCounters,
  type CounterReading,
  createHotCounters,
  type HotCounters,
  type HotCountersOptions,
} from "./redis/hot-counters.ts";
export {
  connectRedis,
  luaScript,
  type LuaScript,
  type RedisConnection,
  type RedisOptions,
} from "./redis/redis-client.ts";
export type { RedisState } from "./redis/redis-breaker.ts";
export type { IoredisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from "./redis/redis-transport.ts";
