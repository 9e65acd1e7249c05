-- Keep a lease, and look who has lost theirs.
-- KEYS  1 workers by the end of their leases   2 what this worker has
-- ARGV  1 the worker   2 its lease in ms
-- Returns {now in ms, 1 if it had its lease until now, when the first lease ends in ms or 0, the numbers of its claims,
-- the workers whose leases have ended, ten at most}.
-- Atomic: a worker that has nothing gets no lease; all is measured on the server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local numbers = redis.call('HKEYS', KEYS[2])
local kept = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
-- A full server lets a script go on that has begun. And a server that takes no writes just now is told by who has nothing,
-- too: the leases it shows have ended because nobody can keep them.
redis.call('ZREM', KEYS[1], ARGV[1])
if #numbers > 0 then
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 10)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {now, kept, first[2] and tonumber(first[2]) or 0, numbers, ended}
