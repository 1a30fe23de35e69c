/**
 * A service with a database and Redis, as an orchestrator sees it. Arguments: their URLs. It is started by a request for /start, and
 * says at /busy how many connections of its pool are in use.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import pg from "pg";
import { databaseCheck, health, orderlyShutdown, redisCheck } from "@meterbridge/http";

const [databaseUrl = "", redisUrl = ""] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 3 });
const redis = new Redis(redisUrl, { retryStrategy: () => 100 });
// Both tell of a lost connection, which would end the process.
pool.on("error", () => {});
redis.on("error", () => {});

const state = health({
  starting: true,
  checks: [databaseCheck(pool, { cacheMillis: 200 }), redisCheck(redis, { cacheMillis: 200 })],
});

const server = createServer((request, response) => {
  if (request.url === "/start") {
    state.started();
    response.end();
  } else if (request.url === "/busy") {
    response.end(String(pool.totalCount - pool.idleCount));
  } else {
    state.handler(request, response);
  }
});

orderlyShutdown({
  servers: [server],
  health: state,
  drainDelayMillis: 1000,
  close: [() => pool.end(), () => redis.quit()],
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
