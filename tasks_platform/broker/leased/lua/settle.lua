-- Forget claims whose messages are done with.
-- KEYS  1 workers by the end of their leases   2 what this worker has   3 those of it that nobody has begun with
-- ARGV  1 the worker   2 the prefix of all keys   3 how many others somebody has begun with   then their numbers;
--       then per claim: its number, its queue, and the id of its job or ''
-- Returns how many of them it still had: the others were given to somebody else, because its lease had ended.
-- How many messages of each queue have left for good is counted per minute, for two hours.
-- Atomic: a worker that has nothing has no lease.
-- INDEX
local first = 4 + ARGV[3]
if first > 4 then
    redis.call('SREM', KEYS[3], unpack(ARGV, 4, first - 1))
end
local numbers = {}
for i = first, #ARGV, 3 do
    numbers[#numbers + 1] = ARGV[i]
end
local recorded = redis.call('HMGET', KEYS[2], unpack(numbers))
local had = redis.call('HDEL', KEYS[2], unpack(numbers))
redis.call('SREM', KEYS[3], unpack(numbers))
local ended = {}
for i = 1, #numbers do
    if recorded[i] and string.byte(recorded[i], 1) ~= 0 then -- else its job has put it elsewhere, and it is there
        local at = first + 3 * (i - 1)
        left(ARGV[2], ARGV[at + 1], ARGV[at + 2])
        ended[ARGV[at + 1]] = (ended[ARGV[at + 1]] or 0) + 1
    end
end
for queue, count in pairs(ended) do
    local minute = ARGV[2] .. 'leased:ended:' .. math.floor(redis.call('TIME')[1] / 60)
    if redis.pcall('HINCRBY', minute, queue, count) == count then
        redis.pcall('EXPIRE', minute, 7200)
    end
end
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
end
return had
