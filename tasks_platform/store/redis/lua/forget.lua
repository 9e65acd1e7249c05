-- Drop what was kept of a job, except which copies of its messages were run: a late one must not run again.
-- KEYS  1 the job's hash   2 its letter's hash   3 the list of letters   4 its hash of steps
-- ARGV  1 job id   2 seconds the claims are kept   3 why its letter goes, if there is one   4 who
--       5 seconds that it is kept how the letters of a replay of many ended
-- Returns nothing.
-- PART letters
if redis.call('EXISTS', KEYS[2]) == 1 then
    audit_letter(KEYS[3], KEYS[2], ARGV[3], ARGV[1], ARGV[4])
    local ends = redis.call('HGET', KEYS[2], 'ends')
    if ends then
        redis.call('HSET', ends, ARGV[1], ARGV[3])
        redis.call('EXPIRE', ends, ARGV[5])
    end
    leave(KEYS[3], KEYS[2], ARGV[1])
    redis.call('DEL', KEYS[2])
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 6) ~= 'begun:' then
        redis.call('HDEL', KEYS[1], field)
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[4], ARGV[2], 'NX')
