-- Let a beat lead unless another one does.
-- KEYS  1 the lock
-- ARGV  1 the beat   2 milliseconds it leads from now
-- Returns the beat that leads now.
-- Atomic: of any number of beats one leads; it goes on leading when it asks again in time.
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then
    return leader
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
