-- Push a message once, and take what it needs, if its condition holds.
-- KEYS  1 where it goes: a list, or the sorted set of what is not due   2 the signal of its list
--       3 what its sender has pushed last   4.. the condition's
-- ARGV  1 the message, as it is stored there   2 when it is due, in ms since 1970; '' for a list   3 the name of this
--       push   4 for how many ms it is remembered   5 the prefix of all keys   6 the queue   7 the id of its job
--       8 '1' if it may have been pushed before   9.. the condition's
-- Returns {} if it is there, now or by an earlier call of the same name, else what the condition says.
-- Atomic: what it needs is never taken without it, nor is it there without that.
-- Of a list in which more than a few messages wait nobody is told: all are busy, and will look.
-- GUARD
-- INDEX
if ARGV[8] == '1' and redis.call('GET', KEYS[3]) == ARGV[3] then
    redis.call('PEXPIRE', KEYS[3], ARGV[4]) -- who waits for replicas waits for those that have this, too
    return {}
end
local keys, arguments = {}, {}
for i = 4, #KEYS do
    keys[i - 3] = KEYS[i]
end
for i = 9, #ARGV do
    arguments[i - 8] = ARGV[i]
end
local why = refusal(keys, arguments)
if why then
    return why
end
local waiting = 0
if ARGV[2] == '' then -- what is refused here has taken nothing
    waiting = redis.call('LPUSH', KEYS[1], ARGV[1])
    pushed(ARGV[5], ARGV[6], KEYS[1], ARGV[7])
else
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
    delayed_until(ARGV[5], ARGV[6], ARGV[2], ARGV[1], ARGV[7])
end
take(keys, arguments)
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
if waiting <= 16 then
    redis.call('ZADD', KEYS[2], 0, 'look')
end
return {}
