-- Store states of jobs, and tell those who wait for them. A job that has succeeded stays so, whoever comes late.
-- KEYS  per state: where it is kept, which is also the channel on which it is told
-- ARGV  per state: itself, as JSON, and for how many seconds it is kept; 0: for ever
-- Returns how many were stored.
-- Atomic: no other state of these jobs is stored in between.
local stored = 0
local function has_succeeded(key)
    local before = redis.call('GET', key)
    if not before or not string.find(before, 'SUCCESS', 1, true) then -- seldom: only then it is read
        return false
    end
    local is_json, meta = pcall(cjson.decode, before)
    return is_json and type(meta) == 'table' and meta.status == 'SUCCESS'
end
for i, key in ipairs(KEYS) do
    local state, seconds = ARGV[2 * i - 1], ARGV[2 * i]
    if not has_succeeded(key) then
        if seconds == '0' then
            redis.call('SET', key, state)
        else
            redis.call('SET', key, state, 'EX', seconds)
        end
        redis.call('PUBLISH', key, state)
        stored = stored + 1
    end
end
return stored
