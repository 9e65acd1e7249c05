-- Give back the claim of one copy of a message.
-- KEYS  1 the job's hash
-- ARGV  1 attempt   2 copy
-- Returns 1 if the copy had the claim, else 0.
local field = 'begun:' .. ARGV[1]
if redis.call('HGET', KEYS[1], field) ~= ARGV[2] then
    return 0
end
return redis.call('HDEL', KEYS[1], field)
