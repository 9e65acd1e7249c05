-- Record that a dead letter could not be sent again, unless a worker has begun the attempt.
-- KEYS  1 the letter's hash   2 the list of letters   3 the job's hash
-- ARGV  1 the try that it is being sent again in   2 job id   3 who   4 the attempt   5 the letter's state from now
-- Returns 1, or 0 if it is not being sent again in that try, or a worker has begun it. Asked again, it says so again.
-- Atomic: a copy of the message that was sent all the same either was begun before, or is never run.
-- PART letters
local claim = 'begun:' .. ARGV[4]
local state, at = unpack(redis.call('HMGET', KEYS[1], 'state', 'replayed_at'))
if at ~= ARGV[1] then
    return 0
end
if state ~= 'replaying' then
    return redis.call('HGET', KEYS[3], claim) == 'put back' and 1 or 0
end
if redis.call('HSETNX', KEYS[3], claim, 'put back') == 0 then
    return 0
end
redis.call('HSET', KEYS[1], 'put_back', ARGV[4])
change_state(KEYS[2], KEYS[1], ARGV[2], ARGV[5])
audit_letter(KEYS[2], KEYS[1], 'put back', ARGV[2], ARGV[3])
return 1
