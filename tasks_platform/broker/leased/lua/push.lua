-- Push a message, and take what it needs, if its condition holds.
-- KEYS  1 where it goes: a list, or the sorted set of what is not due   2 the signal of its list   3.. the condition's
-- ARGV  1 the message, as it is stored there   2 when it is due, in ms since 1970; '' for a list   3.. the condition's
-- Returns {} if it is there, now or by an earlier call, else what the condition says.
-- Atomic: what it needs is never taken without it, nor is it there without that.
-- GUARD
local keys, arguments = {}, {}
for i = 3, #KEYS do
    keys[i - 2] = KEYS[i]
end
for i = 3, #ARGV do
    arguments[i - 2] = ARGV[i]
end
local why = refusal(keys, arguments)
if why then
    return why[1] == 'done' and {} or why
end
if ARGV[2] == '' then -- what is refused here has taken nothing
    redis.call('LPUSH', KEYS[1], ARGV[1])
else
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
take(keys, arguments)
redis.call('ZADD', KEYS[2], 0, 'look')
return {}
