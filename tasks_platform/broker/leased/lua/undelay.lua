-- Put what is not due yet into the lists of its queue, for workers that wait by themselves.
-- KEYS  1 what is not due yet
-- ARGV  1 the list of the step 0   2 what stands between it and another step   3 the most to move
-- Returns how many were moved; what is due first will be taken first.
-- Atomic: a message is in one of the two. What its list refuses stays.
local members = redis.call('ZRANGE', KEYS[1], 0, ARGV[3] - 1, 'WITHSCORES')
local moved = 0
for i = 1, #members, 2 do
    local member = members[i]
    redis.call('ZREM', KEYS[1], member) -- first: a full server lets a script go on that has begun
    local step, message = string.match(member, '^[^|]*|([^|]*)|(.*)$')
    if not step then
        step, message = '0', member
    end
    if type(redis.pcall('LPUSH', step == '0' and ARGV[1] or ARGV[1] .. ARGV[2] .. step, message)) == 'table' then
        redis.call('ZADD', KEYS[1], members[i + 1], member) -- the key of the list holds something else
    else
        moved = moved + 1
    end
end
return moved
