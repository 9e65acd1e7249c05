-- Replace a letter's record if nobody changed it since it was read, and it is not being sent again.
-- KEYS  1 the letter's hash   2 the list of letters
-- ARGV  1 the version that was read   2 the new record   3 job id   4 who
-- Returns 1 if it was replaced, else 0. Asked again with the same arguments, it says so again.
-- PART letters
local version, record, state = unpack(redis.call('HMGET', KEYS[1], 'version', 'record', 'state'))
if version ~= ARGV[1] then
    return (version == tostring(ARGV[1] + 1) and record == ARGV[2]) and 1 or 0
end
if state == 'replaying' then
    return 0
end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'version', 1)
audit_letter(KEYS[2], KEYS[1], 'edited', ARGV[3], ARGV[4])
return 1
