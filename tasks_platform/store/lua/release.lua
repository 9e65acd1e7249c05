-- Free a unique key once all its followers have been told the outcome.
-- KEYS  1 the unique key   2 the hash of followers, message by job id   3 the outcome
-- ARGV  1 the job id that releases   2 1 to keep the key to its end   3.. the followers that have been told
-- Returns the followers left, as id, message, id, message...; empty: none is left (or the key was not the caller's).
-- Atomic: a follower that came in the meantime is answered with, not lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return {}
end
for i = 3, #ARGV do
    redis.call('HDEL', KEYS[2], ARGV[i])
end
local left = redis.call('HGETALL', KEYS[2])
if #left == 0 and ARGV[2] ~= '1' then
    redis.call('DEL', KEYS[1], KEYS[3])
end
return left
