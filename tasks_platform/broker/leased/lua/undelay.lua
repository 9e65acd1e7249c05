-- Put what is not due yet into the lists of its queue, for workers that wait by themselves.
-- KEYS  1 what is not due yet
-- ARGV  1 the list of the step 0   2 what stands between it and another step   3 the most to move
-- Returns how many were moved; what is due first will be taken first.
-- Atomic: a message is in one of the two. What its list refuses is due last from now on.
local members = redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1)
if #members > 0 then
    redis.call('ZREM', KEYS[1], unpack(members)) -- first: a full server lets a script go on that has begun
end
local moved = 0
for _, member in ipairs(members) do
    local step, message = string.match(member, '^[^|]*|([^|]*)|(.*)$')
    if not step then
        step, message = '0', member
    end
    if type(redis.pcall('LPUSH', step == '0' and ARGV[1] or ARGV[1] .. ARGV[2] .. step, message)) == 'table' then
        redis.call('ZADD', KEYS[1], '+inf', member) -- the key of the list holds something else
    else
        moved = moved + 1
    end
end
return moved
