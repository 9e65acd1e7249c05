-- Drop what was kept of a job, except which copies of its messages were run: a late one must not run again.
-- KEYS  1 the job's hash   2 its letter's hash   3 the index of letters   4 its hash of steps
-- ARGV  1 job id   2 seconds the claims are kept
-- Returns nothing.
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 6) ~= 'begun:' then
        redis.call('HDEL', KEYS[1], field)
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[4], ARGV[2], 'NX')
