-- Reserve a job id for one sender.
-- KEYS  1 the id's key   2 the letter's hash   3 the job's hash
-- ARGV  1 the sender's token   2 milliseconds until an unconfirmed reservation lapses
--       3 milliseconds the id stays known while nobody says that its job ended
-- Returns 'free' (it is the sender's now), 'reserved' (another sender is at it) or 'taken' (also by a dead letter).
-- Atomic: two senders never both get 'free' while a reservation holds; the same sender may ask again.
-- Lapses are measured on the server's clock.
-- PART ids
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = state_of_id(KEYS[1], KEYS[2], ARGV[1], now)
if state ~= 'free' then
    return state
end
begin_anew(KEYS[1], KEYS[3])
redis.call('SET', KEYS[1], string.format('reserved:%.0f:%s', now + ARGV[2], ARGV[1]), 'PX', ARGV[3])
return 'free'
