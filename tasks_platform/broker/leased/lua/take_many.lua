-- Take many messages out of a queue, from a part of one list, or of those that are not due yet, to cancel their jobs.
-- KEYS  1 the list or the sorted set   2 the graveyard   3 how many stand empty in each list
-- ARGV  1 the prefix of all keys   2 the queue   3 who has said so, and why   4 the first, and 5 the last place in the
--       list; '' for the sorted set   then per message: its id or '', and what stands there
-- Returns {how many empty ones were taken off the end of the list, then the numbers of those that were taken out}: the
-- others are not there any more. Each lies in the graveyard until somebody has given back what its job held.
-- Atomic: what is taken out is with nobody else.
-- INDEX
local prefix, queue, mark, first, last = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local result = {0}
local function taken(number, message, id)
    redis.call('LPUSH', KEYS[2], '\1' .. mark .. '\0' .. queue .. '\0' .. message)
    left(prefix, queue, id)
    redis.pcall('SREM', held_in(prefix, queue), id)
    result[#result + 1] = number
end
if not first then
    for i = 6, #ARGV, 2 do
        if redis.call('ZREM', KEYS[1], ARGV[i + 1]) == 1 then
            taken((i - 6) / 2, string.match(ARGV[i + 1], '^[^|]*|[^|]*|(.*)$') or ARGV[i + 1], ARGV[i])
        end
    end
    return result
end
local wanted = {}
for i = 6, #ARGV, 2 do
    wanted[ARGV[i + 1]] = i
end
local length = redis.call('LLEN', KEYS[1])
local from = math.max(first, -length)
for nth, message in ipairs(redis.call('LRANGE', KEYS[1], from, last)) do
    local i = wanted[message]
    if i then
        wanted[message] = nil
        taken((i - 6) / 2, message, ARGV[i])
        redis.call('LSET', KEYS[1], from + nth - 1, GONE)
        redis.call('HINCRBY', KEYS[3], KEYS[1], 1)
    end
end
while result[1] < last - first and redis.call('LINDEX', KEYS[1], -1) == GONE do
    redis.call('RPOP', KEYS[1])
    result[1] = result[1] + 1
end
if result[1] > 0 and redis.call('HINCRBY', KEYS[3], KEYS[1], -result[1]) <= 0 then
    redis.call('HDEL', KEYS[3], KEYS[1])
end
return result
