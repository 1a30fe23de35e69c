export { type ActiveUsers, type ActiveUsersCount, type ActiveUsersOptions, createActiveUsers } from "./active-users.ts";
export type { ActiveWindow } from "./active-users-keys.ts";
export { type CounterSync, type CounterSyncOptions, createCounterSync } from "./counter-sync.ts";
export type { CounterOwner } from "./hot-counter-keys.ts";
export type { UsageTotals } from "./hot-counter-totals.ts";
export {
  type AheadCounters,
  type AppliedCounters,
  type CounterReading,
  createHotCounters,
  type HotCounters,
  type HotCountersOptions,
} from "./hot-counters.ts";
export { connectRedis, luaScript, type LuaScript, type RedisConnection, type RedisOptions } from "./redis-client.ts";
export type { RedisState } from "./redis-breaker.ts";
export type { IoredisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from "./redis-transport.ts";
