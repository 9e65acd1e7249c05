-- Put a message that a worker has claimed into a queue again, changed, in place of a copy beside it.
-- KEYS  1 what the worker has   2 where it goes: a list, or the sorted set of what is not due   3 the signal of its list
-- ARGV  1 the number of the claim   2 the name of this move   3 the message, as it is stored there
--       4 when it is due, in ms since 1970; '' for a list
-- Returns 1 if it was moved, now or by an earlier call of the same name; 0 if the worker has it no more.
-- Atomic: the message is with the worker or in the queue, never in both. What stays with the worker is a mark, which it
-- acknowledges as it would have acknowledged the message; if it dies before, nothing is recovered.
local recorded = redis.call('HGET', KEYS[1], ARGV[1])
if not recorded then
    return 0
end
if string.byte(recorded, 1) == 0 then
    return recorded == '\0' .. ARGV[2] and 1 or 0
end
if ARGV[4] == '' then -- what is refused here leaves the message with the worker
    redis.call('LPUSH', KEYS[2], ARGV[3])
else
    redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
end
redis.call('HSET', KEYS[1], ARGV[1], '\0' .. ARGV[2])
redis.call('ZADD', KEYS[3], 0, 'look')
return 1
