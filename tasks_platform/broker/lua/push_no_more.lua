-- See to it that messages which may still be on their way are not pushed any more.
-- KEYS  1 the set of ids that were pushed
-- ARGV  1 milliseconds the set is kept   2.. the ids
-- Returns the ids that were pushed before.
-- Atomic: a late repetition of push_once finds every id in the set, and does nothing.
local pushed = {}
for i = 2, #ARGV do
    if redis.call('SADD', KEYS[1], ARGV[i]) == 0 then
        pushed[#pushed + 1] = ARGV[i]
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return pushed
