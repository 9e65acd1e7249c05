-- Free the steps that a run, or all runs of an attempt, began and did not finish.
-- KEYS  1 the job's hash of steps
-- ARGV  1 what the names of those runs begin with
-- Returns nothing.
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 6) == 'begun:' then
        local run = string.match(fields[i + 1], '^%d+ (.*)$')
        if string.sub(run, 1, #ARGV[1]) == ARGV[1] then
            redis.call('HDEL', KEYS[1], fields[i])
        end
    end
end
