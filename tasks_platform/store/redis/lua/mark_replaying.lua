-- Record that a dead letter is being sent again, if it is still what was read.
-- KEYS  1 the letter's hash   2 the list of letters
--       3 the items of the replay of many that it is part of   4 where that is told how letters end; or neither
-- ARGV  1 now, in seconds: names this try   2 job id   3 who   4 the version that was read
--       5 when it was being sent again already when it was read, or ''
--       6 the item to write down   7 seconds that items are kept
-- Returns 1, or 0 if there is no such letter (a letter that is gone must not come back half) or it has changed.
-- Atomic: of any number of callers that read the same, one sends it. Asked again, it says so again.
-- PART letters
local state, version, at = unpack(redis.call('HMGET', KEYS[1], 'state', 'version', 'replayed_at'))
local before = state == 'replaying' and at or ''
local asked_again = before == ARGV[1]
if not state or version ~= ARGV[4] or (before ~= ARGV[5] and not asked_again) then
    return 0
end
if KEYS[3] then
    redis.call('HSET', KEYS[3], ARGV[2], ARGV[6])
    redis.call('EXPIRE', KEYS[3], ARGV[7])
    redis.call('HSET', KEYS[1], 'ends', KEYS[4])
end
if asked_again then
    return 1
end
redis.call('HSET', KEYS[1], 'replayed_at', ARGV[1])
change_state(KEYS[2], KEYS[1], ARGV[2], 'replaying')
audit_letter(KEYS[2], KEYS[1], 'replayed', ARGV[2], ARGV[3])
return 1
