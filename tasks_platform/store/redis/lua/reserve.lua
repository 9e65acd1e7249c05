-- Reserve a job id for one sender.
-- KEYS  1 the id's key   2 the letter's hash   3 the job's hash
-- ARGV  1 the sender's token   2 milliseconds until an unconfirmed reservation lapses
--       3 milliseconds the id stays known while nobody says that its job ended
-- Returns 'free' (it is the sender's now), 'reserved' (another sender is at it) or 'taken' (also by a dead letter).
-- Atomic: two senders never both get 'free' while a reservation holds; the same sender may ask again.
-- Which copies of its messages were run is forgotten only for an id that is free because its job ended long ago: a
-- reservation that lapsed may have sent its message all the same. Lapses are measured on the server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current = redis.call('GET', KEYS[1])
if current then
    local lapses, token = string.match(current, '^reserved:(%d+):(.*)$')
    if not lapses then
        return 'taken'
    end
    if token ~= ARGV[1] and tonumber(lapses) > now then
        return 'reserved'
    end
elseif redis.call('EXISTS', KEYS[2]) == 1 then
    return 'taken'
else
    redis.call('DEL', KEYS[3])
end
redis.call('SET', KEYS[1], string.format('reserved:%.0f:%s', now + ARGV[2], ARGV[1]), 'PX', ARGV[3])
return 'free'
