-- Record how an attempt failed and what becomes of its job, once.
-- KEYS  1 the job's hash   2 its letter's hash   3 the list of letters   4 its hash of steps
-- ARGV  1 attempt   2 record of the attempt   3 verdict   4 letter or ''   5 letter's state
--       6 time of the burial in seconds   7 job id   8 seconds the job's record is kept while it is no letter, and what
--       it did once at least: longer than until its next attempt
--       9 worker   10.. facts of the letter, as name, value, name, value...
-- Returns the verdict that stands: the first one.
-- Atomic: a letter exists exactly if a burying verdict stands, and is listed, grouped and audited exactly if it
-- exists. What the job did once is kept as long as its letter.
-- PART letters
local field = 'verdict:' .. ARGV[1]
local standing = redis.call('HGET', KEYS[1], field)
if standing then
    return standing
end
redis.call('HSET', KEYS[1], field, ARGV[3], 'attempt:' .. ARGV[1], ARGV[2])
if ARGV[4] ~= '' then
    local facts = {state = ARGV[5]}
    for i = 10, #ARGV, 2 do
        facts[ARGV[i]] = ARGV[i + 1]
    end
    write_letter(KEYS[3], KEYS[2], ARGV[7], ARGV[4], ARGV[6], ARGV[1], ARGV[9], facts)
    redis.call('PERSIST', KEYS[1])
    redis.call('PERSIST', KEYS[4])
elseif redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('EXPIRE', KEYS[1], ARGV[8])
    redis.call('EXPIRE', KEYS[4], ARGV[8], 'GT')
end
return ARGV[3]
