-- Push a message once, and take what it needs, if its condition holds.
-- KEYS  1 where it goes: a list, or the sorted set of what is not due   2 the signal of its list
--       3 what its sender has pushed last   4.. the condition's
-- ARGV  1 the message, as it is stored there   2 when it is due, in ms since 1970; '' for a list   3 the name of this
--       push   4 for how many ms it is remembered   5.. the condition's
-- Returns {} if it is there, now or by an earlier call of the same name, else what the condition says.
-- Atomic: what it needs is never taken without it, nor is it there without that.
-- GUARD
if redis.call('GET', KEYS[3]) == ARGV[3] then
    return {}
end
local keys, arguments = {}, {}
for i = 4, #KEYS do
    keys[i - 3] = KEYS[i]
end
for i = 5, #ARGV do
    arguments[i - 4] = ARGV[i]
end
local why = refusal(keys, arguments)
if why then
    return why
end
if ARGV[2] == '' then -- what is refused here has taken nothing
    redis.call('LPUSH', KEYS[1], ARGV[1])
else
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
take(keys, arguments)
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
redis.call('ZADD', KEYS[2], 0, 'look')
return {}
