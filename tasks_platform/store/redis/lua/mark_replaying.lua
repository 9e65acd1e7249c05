-- Record that a dead letter is being sent again.
-- KEYS  1 the letter's hash   2 the list of letters   3 the items of the replay of many that it is part of, or nothing
-- ARGV  1 now, in seconds   2 job id   3 who
--       4 the version that was read, or '': any, also of a letter that is being sent again already
--       5 the item to write down
-- Returns 1, or 0 if there is no such letter (a letter that is gone must not come back half) or it has changed.
-- Atomic: of any number of callers that read one version, one sends it. Asked again, it says so again.
-- PART letters
local state, version, at = unpack(redis.call('HMGET', KEYS[1], 'state', 'version', 'replayed_at'))
if not state then
    return 0
end
local asked_again = state == 'replaying' and at == ARGV[1]
if ARGV[4] ~= '' and not asked_again and (state == 'replaying' or version ~= ARGV[4]) then
    return 0
end
if KEYS[3] then
    redis.call('HSET', KEYS[3], ARGV[2], ARGV[5])
end
if asked_again then
    return 1
end
redis.call('HSET', KEYS[1], 'replayed_at', ARGV[1])
change_state(KEYS[2], KEYS[1], ARGV[2], 'replaying')
audit_letter(KEYS[2], KEYS[1], 'replayed', ARGV[2], ARGV[3])
return 1
