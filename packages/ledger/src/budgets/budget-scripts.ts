import { createHash } from "node:crypto";
import type { LuaScript } from "../redis/redis-client.ts";

// Per budget there is a hash with what was used and reserved by slice (`u:<slice>`, `r:<slice>`) and `seeded`, and a sorted set
// of open leases by the moment they run out (`<id>|<slice>|<amount>`). Amounts are added by HINCRBY, which is exact to 2^63, and
// compared as doubles, which is exact up to 2^53 and keeps the order beyond. Of several writes the first is always one that
// Redis refuses when it is out of memory: a script does all of it, or nothing.

const common = `
local function present()
  local given = tonumber(ARGV[1])
  if given then return given end
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Redis takes "-0" for no integer.
local function giveBack(hash, slice, amount)
  redis.call("HINCRBY", hash, "r:" .. slice, amount == "0" and "0" or "-" .. amount)
end

-- Gives back what nobody settled in time.
local function expire(hash, leases, now)
  local ended = redis.call("ZRANGEBYSCORE", leases, "-inf", now, "LIMIT", 0, 1000)
  for _, member in ipairs(ended) do
    local slice, amount = string.match(member, "|(%-?%d+)|(%d+)$")
    giveBack(hash, slice, amount)
    redis.call("ZREM", leases, member)
  end
  return #ended
end

local function level(hash, oldest, newest)
  if oldest == newest then
    local found = redis.call("HMGET", hash, "u:" .. oldest, "r:" .. oldest)
    return tonumber(found[1] or "0"), tonumber(found[2] or "0")
  end
  local first, used, reserved = tonumber(oldest), 0, 0
  local passed = first - (tonumber(newest) - first)
  local fields = redis.call("HGETALL", hash)
  for index = 1, #fields, 2 do
    local kind, slice = string.match(fields[index], "^([ur]):(%-?%d+)$")
    slice = tonumber(slice)
    if slice and slice < passed then redis.call("HDEL", hash, fields[index])
    elseif slice and slice >= first then
      if kind == "u" then used = used + tonumber(fields[index + 1])
      else reserved = reserved + tonumber(fields[index + 1]) end
    end
  end
  return used, reserved
end

local function tell(used, reserved, expired)
  return { string.format("%.0f", used), string.format("%.0f", reserved), expired }
end

-- Out of memory is found here, before anything has changed.
local function outlive(hash, milliseconds)
  redis.call("HINCRBY", hash, "seeded", 0)
  redis.call("PEXPIRE", hash, milliseconds)
end
`;

/**
 * KEYS: the reservation, then hash and leases by charge. ARGV: now or nothing, id, lease, memory, whether to tell unseeded ones;
 * then slice, oldest, estimate, limit, hard, whether the ledger knows it, life by charge.
 * Answers with what decided, the index of the charge that did not fit, the unseeded ones, the levels.
 */
export const reserveScript: LuaScript = script(
  "budget-reserve",
  `${common}
local now, id = present(), ARGV[2]
local count = (#KEYS - 1) / 2
local known = redis.call("GET", KEYS[1])
local levels, unseeded, refused = {}, {}, 0
for i = 1, count do
  local hash, leases, at = KEYS[2 * i], KEYS[2 * i + 1], 6 + (i - 1) * 7
  local slice, oldest, estimate = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local limit, hard, inLedger = tonumber(ARGV[at + 3]), ARGV[at + 4] == "1", ARGV[at + 5] == "1"
  local expired = expire(hash, leases, now)
  local used, reserved = level(hash, oldest, slice)
  local taken = used + reserved
  levels[i] = { used, reserved, expired }
  if ARGV[5] == "1" and inLedger and redis.call("HGET", hash, "seeded") ~= "1" then unseeded[#unseeded + 1] = i end
  if refused == 0 and hard and (taken + estimate > limit or taken >= limit) then refused = i end
end
local decision = "granted"
if known then decision = "known"
elseif #unseeded > 0 then decision = "unseeded"
elseif refused > 0 then decision = "refused" end
if decision == "granted" then
  redis.call("SET", KEYS[1], "open", "PX", ARGV[3] + ARGV[4])
  for i = 1, count do
    local hash, leases, at = KEYS[2 * i], KEYS[2 * i + 1], 6 + (i - 1) * 7
    outlive(hash, ARGV[at + 6])
    redis.call("HINCRBY", hash, "r:" .. ARGV[at], ARGV[at + 2])
    redis.call("ZADD", leases, now + ARGV[3], id .. "|" .. ARGV[at] .. "|" .. ARGV[at + 2])
    redis.call("PEXPIRE", leases, ARGV[at + 6])
    levels[i][2] = levels[i][2] + tonumber(ARGV[at + 2])
  end
end
for i = 1, count do levels[i] = tell(levels[i][1], levels[i][2], levels[i][3]) end
return { decision, refused, unseeded, levels }
`,
);

/**
 * KEYS: as before. ARGV: now or nothing, id, memory, "commit", "release" or "undo"; then slice, oldest, estimate, actual, life by
 * charge. Answers with the levels. An id is committed once, whatever became of its reservation;
 * one that is undone may be reserved again.
 */
export const settleScript: LuaScript = script(
  "budget-settle",
  `${common}
local now, id, how = present(), ARGV[2], ARGV[4]
local known = redis.call("GET", KEYS[1])
local isNews = known ~= "commit" and known ~= how
if how == "undo" then
  isNews = known == "open"
  if isNews then redis.call("DEL", KEYS[1]) end
elseif isNews then redis.call("SET", KEYS[1], how, "PX", ARGV[3]) end
local levels = {}
for i = 1, (#KEYS - 1) / 2 do
  local hash, leases, at = KEYS[2 * i], KEYS[2 * i + 1], 5 + (i - 1) * 5
  local slice, oldest, estimate, actual = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if isNews then
    local member = id .. "|" .. slice .. "|" .. estimate
    if redis.call("ZSCORE", leases, member) then
      giveBack(hash, slice, estimate)
      redis.call("ZREM", leases, member)
    end
    if how == "commit" then
      outlive(hash, ARGV[at + 4])
      redis.call("HINCRBY", hash, "u:" .. slice, actual)
    end
  end
  local expired = expire(hash, leases, now)
  local used, reserved = level(hash, oldest, slice)
  levels[i] = tell(used, reserved, expired)
end
return levels
`,
);

/**
 * KEYS: hash and leases. ARGV: now or nothing, slice, oldest, life, whether it was held against the ledger; then slice and sum,
 * newest first. Answers with the level. What the ledger has more goes to the slices in which it has more: doing it again, or by
 * several processes at once, adds nothing.
 */
export const raiseScript: LuaScript = script(
  "budget-raise",
  `${common}
local now, hash, leases = present(), KEYS[1], KEYS[2]
local expired = expire(hash, leases, now)
local used, reserved = level(hash, ARGV[3], ARGV[2])
if ARGV[5] == "1" then
  redis.call("HSET", hash, "seeded", "1")
  outlive(hash, ARGV[4])
  local missing = -used
  for at = 6, #ARGV, 2 do missing = missing + tonumber(ARGV[at + 1]) end
  for at = 6, #ARGV, 2 do
    local gap = tonumber(ARGV[at + 1]) - tonumber(redis.call("HGET", hash, "u:" .. ARGV[at]) or "0")
    local added = math.min(gap, missing)
    if added > 0 then
      redis.call("HINCRBY", hash, "u:" .. ARGV[at], string.format("%.0f", added))
      used, missing = used + added, missing - added
    end
  end
end
return tell(used, reserved, expired)
`,
);

function script(name: string, source: string): LuaScript {
  return { name, source, sha1: createHash("sha1").update(source).digest("hex") };
}
