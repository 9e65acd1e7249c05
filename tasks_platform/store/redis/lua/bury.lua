-- Make a letter of a message that no task can be given, unless its job is a letter already.
-- KEYS  1 the job's hash   2 its letter's hash   3 the list of letters   4 its hash of steps
-- ARGV  1 attempt   2 record of the attempt   3 verdict   4 letter   5 letter's state   6 time of the burial in seconds
--       7 job id   8 worker   9.. facts of the letter, as name, value, name, value...
-- Returns 1 if it wrote the letter, now or when it was called before with the same; 0 if there was one.
-- Atomic: afterwards there is a letter. A verdict that would have let the job run again is replaced, and how that attempt
-- failed is kept. A letter that is being replayed is written anew, unless the message is of an attempt before.
-- PART letters
if redis.call('HGET', KEYS[2], 'record') == ARGV[4] then
    return 1
end
local field = 'verdict:' .. ARGV[1]
local state, standing = redis.call('HGET', KEYS[2], 'state'), redis.call('HGET', KEYS[1], field)
local is_final = standing and type(cjson.decode(standing).again_in) ~= 'number'
if state and (state ~= 'replaying' or is_final) then
    return 0
end
redis.call('HSET', KEYS[1], field, ARGV[3])
redis.call('HSETNX', KEYS[1], 'attempt:' .. ARGV[1], ARGV[2])
local facts = {state = ARGV[5]}
for i = 9, #ARGV, 2 do
    facts[ARGV[i]] = ARGV[i + 1]
end
write_letter(KEYS[3], KEYS[2], ARGV[7], ARGV[4], ARGV[6], ARGV[1], ARGV[8], facts)
redis.call('PERSIST', KEYS[1])
redis.call('PERSIST', KEYS[4])
return 1
