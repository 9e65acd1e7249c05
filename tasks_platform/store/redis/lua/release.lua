-- Free a unique key once all its followers have been told the outcome.
-- KEYS  1 the unique key   2 the hash of followers, message by job id   3 the outcome
-- ARGV  1 the job id that releases   2 1 to keep the key to its end
--       3.. the followers that have been told, as id, message, id, message...
-- Returns the followers left, as id, message, id, message...; empty: none is left (or the key is another job's).
-- A key that has expired meanwhile counts as the caller's: its followers must not wait for ever.
-- Atomic: a follower that came (or came back, with another message) in the meantime is answered with, not lost.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
    return {}
end
for i = 3, #ARGV, 2 do
    if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
        redis.call('HDEL', KEYS[2], ARGV[i])
    end
end
local left = redis.call('HGETALL', KEYS[2])
if #left == 0 and ARGV[2] ~= '1' then
    redis.call('DEL', KEYS[1], KEYS[3])
end
return left
