import { type LuaScript, luaScript } from "./redis-client.ts";

/**
 * KEYS: for each owner its version's key, then its seven counters'. ARGV: the epoch; then for each owner the number of rows
 * that may be replaced by fewer, or nothing; the number of rows; seven values. Gives for each owner nothing, or the number
 * of rows of the counters that stay because they are newer.
 *
 * All counters of an owner and its version change in one MSET. Counters of as many rows are set again: single keys
 * may have been evicted. Numbers of rows are compared as numbers, being far below 2^53; values pass through as texts.
 */
export const setCounters: LuaScript = luaScript(
  "setting hot counters",
  `
local epoch = ARGV[1]
local ahead = {}
for owner = 0, #KEYS / 8 - 1 do
  local k, a = owner * 8, owner * 9 + 1
  local held, records = string.match(redis.call('GET', KEYS[k + 1]) or '', '^([^:]*):(%d+)$')
  if held == epoch and tonumber(records) > tonumber(ARGV[a + 2]) and records ~= ARGV[a + 1] then
    ahead[owner + 1] = records
  else
    redis.call('MSET', KEYS[k + 1], epoch .. ':' .. ARGV[a + 2],
      KEYS[k + 2], ARGV[a + 3], KEYS[k + 3], ARGV[a + 4], KEYS[k + 4], ARGV[a + 5], KEYS[k + 5], ARGV[a + 6],
      KEYS[k + 6], ARGV[a + 7], KEYS[k + 7], ARGV[a + 8], KEYS[k + 8], ARGV[a + 9])
    ahead[owner + 1] = ''
  end
end
return ahead
`,
);
