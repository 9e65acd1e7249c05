-- Give up a reservation whose message was not sent.
-- KEYS  1 the id's key
-- ARGV  1 the sender's token
-- Returns 1 if the reservation was the sender's, else 0.
local current = redis.call('GET', KEYS[1])
if not current or string.match(current, '^reserved:%d+:(.*)$') ~= ARGV[1] then
    return 0
end
return redis.call('DEL', KEYS[1])
