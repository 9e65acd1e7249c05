-- Reserve a job id for one sender.
-- KEYS  1 the id's key
-- ARGV  1 the sender's token   2 milliseconds until an unconfirmed reservation lapses
-- Returns 'free' (it is the sender's now), 'reserved' (another sender is at it) or 'taken'.
-- Atomic: two senders never both get 'free'; the same sender may ask again.
local current = redis.call('GET', KEYS[1])
local mine = 'reserved:' .. ARGV[1]
if not current or current == mine then
    redis.call('SET', KEYS[1], mine, 'PX', ARGV[2])
    return 'free'
end
if string.sub(current, 1, 9) == 'reserved:' then
    return 'reserved'
end
return 'taken'
