-- Put what is not due yet into the lists of its queue, for workers that wait by themselves.
-- KEYS  1 what is not due yet
-- ARGV  1 the list of the step 0   2 what stands between it and another step   3 the most to move
-- Returns how many were moved; what is due first will be taken first.
-- Atomic: a message is in one of the two.
local members = redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1)
if #members > 0 then
    redis.call('ZREM', KEYS[1], unpack(members))
end
for _, member in ipairs(members) do
    local step, message = string.match(member, '^[^|]*|([^|]*)|(.*)$')
    if not step then
        step, message = '0', member
    end
    redis.call('LPUSH', step == '0' and ARGV[1] or ARGV[1] .. ARGV[2] .. step, message)
end
return #members
