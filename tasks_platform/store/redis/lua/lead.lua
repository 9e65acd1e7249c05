-- Let a beat lead unless another one does.
-- KEYS  1 the leader's lock
-- ARGV  1 the beat's lock of this term   2 milliseconds it leads from now   3 1 to go on leading, 0 to begin
-- Returns the lock that leads now, or nil if none does.
-- Atomic: of any number of beats one leads; it goes on leading when it asks again in time. A term that was lost is over
-- also where no other one began: what was decided in it is refused.
local leader = redis.call('GET', KEYS[1])
if leader ~= ARGV[1] and (leader or ARGV[3] == '1') then
    return leader
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
