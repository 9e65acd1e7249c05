-- Put a message that kombu's own transport has noted as delivered back into its lists.
-- KEYS  1 kombu's notes, by delivery tag   2 when they were made   then per list: the list, and its signal
-- ARGV  1 the delivery tag   2 the message
-- Returns 1 if it was there, else 0; a list's error if it is none, then it is still noted.
-- Atomic: a worker that acknowledges it at the same time has it before or not at all.
local noted = redis.call('HGET', KEYS[1], ARGV[1])
if not noted then
    return 0
end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first: a full server lets a script go on that has begun
for i = 3, #KEYS, 2 do
    local put = redis.pcall('RPUSH', KEYS[i], ARGV[2])
    if type(put) == 'table' then -- the key of the list holds something else
        redis.call('HSET', KEYS[1], ARGV[1], noted)
        return put
    end
    redis.call('ZADD', KEYS[i + 1], 0, 'look')
end
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
