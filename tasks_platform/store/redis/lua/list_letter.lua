-- List a letter that was written by a version of the platform that had no lists.
-- KEYS  1 the letter's hash   2 the list of letters
-- ARGV  1 job id   2 time of the burial in seconds   3.. facts of the letter, as name, value, name, value...
-- Returns nothing. A letter that is gone, or listed by now, is left alone.
-- PART letters
local state, at = unpack(redis.call('HMGET', KEYS[1], 'state', 'at'))
if not state or at then
    return
end
local facts = {state = state}
for i = 3, #ARGV, 2 do
    facts[ARGV[i]] = ARGV[i + 1]
end
enter(KEYS[2], KEYS[1], ARGV[1], ARGV[2], facts)
