-- Claim an attempt for one copy of its message.
-- KEYS  1 the job's hash   2 its letter's hash
-- ARGV  1 attempt   2 copy   3 seconds the job's record is kept while it is no letter
-- Returns the copy that has the claim: the first one.
-- Atomic; the record of a dead letter stays as long as the letter does.
redis.call('HSETNX', KEYS[1], 'begun:' .. ARGV[1], ARGV[2])
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('EXPIRE', KEYS[1], ARGV[3], 'NX')
end
return redis.call('HGET', KEYS[1], 'begun:' .. ARGV[1])
