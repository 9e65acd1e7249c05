-- Put a message that a worker has claimed into a queue again, changed, in place of a copy beside it.
-- KEYS  1 what the worker has   2 where it goes: a list, or the sorted set of what is not due   3 the signal of its list
--       4 workers that were dead
-- ARGV  1 the number of the claim   2 the worker   3 the queue it goes to   4 the message, as it is stored there
--       5 when it is due, in ms since 1970; '' for a list   6 the prefix of all keys   7 the id of its job   8 '1' if it is set aside, and not tried again
-- Returns 1 if it was moved to that queue, now or by an earlier call; 0 if it was given to another worker meanwhile; -1 if
-- this server knows nothing of the claim: it has lost its data, or is not the one that was claimed from.
-- Atomic: the message is with the worker or in the queue, never in both. What stays with the worker is a mark that names
-- the queues it went to; it acknowledges that as it would have acknowledged the message; if it dies before, nothing is
-- recovered.
-- INDEX
local recorded = redis.call('HGET', KEYS[1], ARGV[1])
if not recorded then
    return redis.call('ZSCORE', KEYS[4], ARGV[2]) and 0 or -1
end
local mark = '\0' .. ARGV[3]
if string.byte(recorded, 1) == 0 then
    if string.find(recorded .. '\0', mark .. '\0', 1, true) then
        return 1
    end
    mark = recorded .. mark -- its exchange has more than one queue
end
if ARGV[5] == '' then -- what is refused here leaves the message with the worker
    redis.call('LPUSH', KEYS[2], ARGV[4])
    pushed(ARGV[6], ARGV[3], KEYS[2], ARGV[7])
else
    redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
    delayed_until(ARGV[6], ARGV[3], ARGV[5], ARGV[4], ARGV[7])
    if ARGV[8] == '1' and ARGV[7] ~= '' then
        redis.pcall('SADD', held_in(ARGV[6], ARGV[3]), ARGV[7])
    end
end
redis.call('HSET', KEYS[1], ARGV[1], mark)
redis.call('ZADD', KEYS[3], 0, 'look')
return 1
