-- Keep the result of a job that has ended, and drop those of its kind that are too many.
-- KEYS  1 the result   2 the sorted set of ended jobs of this kind, by the time they ended   3 that of the other kind
-- ARGV  1 job id   2 milliseconds a result is kept   3 how many are kept, 0 for all
--       4 what the keys of results begin with   5 what the keys of progress begin with
-- Returns nothing. Times are measured on the server's clock; a job that is told again has ended now.
-- Atomic: what is in the set has its result, unless that has expired.
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[1]) -- a job that has recovered is not one of those that failed
if ARGV[3] == '0' then
    return
end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2])
local many = redis.call('ZCARD', KEYS[2]) - ARGV[3]
if many > 0 then
    for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, many - 1)) do
        redis.call('DEL', ARGV[4] .. id, ARGV[5] .. id)
    end
    redis.call('ZREMRANGEBYRANK', KEYS[2], 0, many - 1)
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
