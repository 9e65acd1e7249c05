-- Put a message that kombu's own transport has noted as delivered back into its list.
-- KEYS  1 kombu's notes, by delivery tag   2 when they were made   3 the list   4 the signal of the list
-- ARGV  1 the delivery tag   2 the message
-- Returns 1 if it was there, else 0; the list's error if it is none.
-- Atomic: a worker that acknowledges it at the same time has it before or not at all.
local noted = redis.call('HGET', KEYS[1], ARGV[1])
if not noted then
    return 0
end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first: a full server lets a script go on that has begun
local put = redis.pcall('RPUSH', KEYS[3], ARGV[2])
if type(put) == 'table' then -- the key of the list holds something else
    redis.call('HSET', KEYS[1], ARGV[1], noted)
    return put
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[4], 0, 'look')
return 1
