-- Drop letters, and what else was kept of their jobs, if they are still what was read.
-- KEYS  1 the list of letters
-- ARGV  1 the prefix of all keys   2 who   3 why   4 seconds the claims are kept
--       5 milliseconds an id of the caller's choice stays taken   6 a token of this call
--       7.. job id, version, job id, version...
-- Returns how many were dropped. Asked again with the same token, it says so again.
-- Atomic with the audit, which tells how many of which bug went.
-- PART letters
local told = KEYS[1] .. ':purged:' .. ARGV[6]
local before = redis.call('GET', told)
if before then
    return tonumber(before)
end
local dropped, counts = 0, {}
for i = 7, #ARGV, 2 do
    local id, letter = ARGV[i], ARGV[1] .. 'letter:' .. ARGV[i]
    local state, version, fingerprint = unpack(redis.call('HMGET', letter, 'state', 'version', 'fingerprint'))
    if state == 'dead' and version == ARGV[i + 1] then
        leave(KEYS[1], letter, id)
        redis.call('DEL', letter)
        local job = ARGV[1] .. 'job:' .. id
        for _, field in ipairs(redis.call('HKEYS', job)) do
            if string.sub(field, 1, 6) ~= 'begun:' then
                redis.call('HDEL', job, field)
            end
        end
        redis.call('EXPIRE', job, ARGV[4])
        redis.call('EXPIRE', ARGV[1] .. 'steps:' .. id, ARGV[4], 'NX')
        redis.call('SET', ARGV[1] .. 'id:' .. id, 'ended', 'PX', ARGV[5], 'XX')
        dropped = dropped + 1
        counts[fingerprint or ''] = (counts[fingerprint or ''] or 0) + 1
    end
end
if dropped > 0 then
    redis.call('SET', told, dropped, 'EX', 3600)
    audit(KEYS[1], 'purged', 'by', ARGV[2], 'why', ARGV[3], 'count', dropped, 'fingerprints', cjson.encode(counts))
end
return dropped
