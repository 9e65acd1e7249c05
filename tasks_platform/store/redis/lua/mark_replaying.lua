-- Record that a dead letter is being sent again.
-- KEYS  1 the letter's hash
-- ARGV  1 now, in seconds
-- Returns 1, or 0 if there is no such letter (a letter that is gone must not come back half).
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
redis.call('HSET', KEYS[1], 'state', 'replaying', 'replayed_at', ARGV[1])
return 1
