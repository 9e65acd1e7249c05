-- Record how moments of a schedule ended.
-- KEYS  1 the schedule's firings by moment   2 its moments by time   3 its count of ends by state   4 the leader's lock
-- ARGV  1 the lock of the beat that records, '' if it is no beat   2 how many moments are kept
--       3 seconds a schedule is remembered   from 4 on, for each firing: the moment, its time, its state, the firing as JSON
-- Returns the moments that were to be 'missed' and are not, because somebody was about to send them; nil if
-- another beat leads, and nothing is recorded.
-- Atomic: the first end of a moment stands and is counted once.
if ARGV[1] ~= '' and redis.call('GET', KEYS[4]) ~= ARGV[1] then
    return nil
end
local claimed = {}
for i = 4, #ARGV, 4 do
    local moment, state = ARGV[i], ARGV[i + 2]
    local known = redis.call('HGET', KEYS[1], moment)
    local before = known and string.match(known, '^%a+')
    if before == 'sending' and state == 'missed' then
        claimed[#claimed + 1] = moment
    elseif not before or before == 'sending' then
        redis.call('HSET', KEYS[1], moment, state .. ' ' .. ARGV[i + 3])
        redis.call('ZADD', KEYS[2], ARGV[i + 1], moment)
        redis.call('HINCRBY', KEYS[3], state, 1)
    end
end
local surplus = redis.call('ZRANGE', KEYS[2], 0, -1 - ARGV[2])
for _, moment in ipairs(surplus) do
    redis.call('HDEL', KEYS[1], moment)
    redis.call('ZREM', KEYS[2], moment)
end
for i = 1, 3 do
    redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return claimed
