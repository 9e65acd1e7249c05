-- Claim a step of a job for one run.
-- KEYS  1 the job's hash of steps
-- ARGV  1 step   2 run   3 lease in milliseconds
-- Returns {'do'} (the run has the claim), {'done', result} or {'busy'} (another run has it).
-- Atomic; the lease is measured on the server's clock, and claims that nobody gave back do not outlive it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local result = redis.call('HGET', KEYS[1], 'done:' .. ARGV[1])
if result then
    return {'done', result}
end
local field = 'begun:' .. ARGV[1]
local claim = redis.call('HGET', KEYS[1], field)
if claim then
    local until_, run = string.match(claim, '^(%d+) (.*)$')
    if run ~= ARGV[2] and tonumber(until_) > now then
        return {'busy'}
    end
end
local first = redis.call('EXISTS', KEYS[1]) == 0
redis.call('HSET', KEYS[1], field, string.format('%.0f %s', now + ARGV[3], ARGV[2]))
if first then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
    redis.call('PEXPIRE', KEYS[1], ARGV[3], 'GT')
end
return {'do'}
