-- What the scripts that write letters share. *letters* is the key of the list of all letters: the names of the other
-- lists, of the groups and of the audit begin with it. Members of a list are job ids, its scores are times of death.
local LISTED_BY = {'task', 'queue', 'tenant', 'fingerprint', 'state'}
-- How many records the audit keeps, about, and how many seconds it is known when a bug was first seen that killed
-- nothing of what lies here.
local AUDIT_MOST, GROUP_TTL = 100000, 90 * 86400

local function count(counts, name, by)
    if name and redis.call('HINCRBY', counts, name, by) <= 0 then
        redis.call('HDEL', counts, name)
    end
end

-- Add a letter to the lists and to the group of its fingerprint; *facts* has texts, nil or '' where one is not known.
local function enter(letters, letter, id, at, facts)
    redis.call('ZADD', letters, at, id)
    redis.call('HSET', letter, 'at', at)
    for _, name in ipairs(LISTED_BY) do
        local value = facts[name]
        if value and value ~= '' then
            redis.call('HSET', letter, name, value)
            redis.call('ZADD', letters .. ':' .. name .. ':' .. value, at, id)
        elseif name ~= 'state' then
            redis.call('HDEL', letter, name)
        end
    end
    local fingerprint = redis.call('HGET', letter, 'fingerprint')
    if not fingerprint then
        return
    end
    local group = letters .. ':group:' .. fingerprint
    local first, last = unpack(redis.call('HMGET', group, 'first_seen', 'last_seen'))
    if not first or tonumber(at) < tonumber(first) then
        redis.call('HSET', group, 'first_seen', at)
    end
    if not last or tonumber(at) >= tonumber(last) then
        redis.call('HSET', group, 'last_seen', at, 'task', facts.task, 'error', facts.error,
            'message', facts.message, 'line', facts.line)
    end
    redis.call('HINCRBY', group, 'deaths', 1)
    redis.call('PERSIST', group)
    redis.call('ZADD', letters .. ':groups', redis.call('HGET', group, 'last_seen'), fingerprint)
    count(group .. ':tenant', redis.call('HGET', letter, 'tenant'), 1)
    count(group .. ':queue', redis.call('HGET', letter, 'queue'), 1)
end

-- Take a letter off the lists it is on, and out of its group; what is known of the group outlives it for a while.
local function leave(letters, letter, id)
    local found = redis.call('HMGET', letter, unpack(LISTED_BY))
    for i, name in ipairs(LISTED_BY) do
        if found[i] then
            redis.call('ZREM', letters .. ':' .. name .. ':' .. found[i], id)
        end
    end
    local fingerprint = found[4]
    if fingerprint and redis.call('HEXISTS', letter, 'at') == 1 then
        local group = letters .. ':group:' .. fingerprint
        count(group .. ':tenant', found[3], -1)
        count(group .. ':queue', found[2], -1)
        if redis.call('EXISTS', letters .. ':fingerprint:' .. fingerprint) == 0 then
            redis.call('ZREM', letters .. ':groups', fingerprint)
            redis.call('EXPIRE', group, GROUP_TTL)
        end
    end
    redis.call('ZREM', letters, id)
end

-- Change the state of a letter that is on the lists.
local function change_state(letters, letter, id, state)
    local before, at = unpack(redis.call('HMGET', letter, 'state', 'at'))
    redis.call('HSET', letter, 'state', state)
    if at and before ~= state then
        redis.call('ZREM', letters .. ':state:' .. before, id)
        redis.call('ZADD', letters .. ':state:' .. state, at, id)
    end
end

-- Append a record: *what* happened, then names and values.
local function audit(letters, what, ...)
    redis.call('XADD', letters .. ':audit', 'MAXLEN', '~', AUDIT_MOST, '*', 'what', what, ...)
end

-- Append a record of what happened to one letter, who did it, and more names and values.
local function audit_letter(letters, letter, what, id, by, ...)
    local task, queue, tenant, fingerprint = unpack(redis.call('HMGET', letter, 'task', 'queue', 'tenant', 'fingerprint'))
    audit(letters, what, 'id', id, 'by', by, 'task', task or '', 'queue', queue or '', 'tenant', tenant or '',
        'fingerprint', fingerprint or '', ...)
end

-- Write the letter of a job whose *attempt* was its last, and tell of it; *facts* has the rest, with its state.
local function write_letter(letters, letter, id, record, at, attempt, by, facts)
    leave(letters, letter, id)
    redis.call('HSET', letter, 'record', record, 'state', facts.state)
    redis.call('HINCRBY', letter, 'version', 1)
    enter(letters, letter, id, at, facts)
    audit_letter(letters, letter, 'buried', id, by, 'state', facts.state, 'attempt', attempt, 'died_at', at,
        'error', facts.error, 'message', facts.brief, 'line', facts.line)
end
