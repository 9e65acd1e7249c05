-- Find the message of a job in a queue, and leave it there, take it out, cancel its job, or put another in its place.
-- KEYS  1 where the messages of the queue are   2 how many were put into each list   3 what is not due yet in it
--       4 how many were taken out of each list, and still stand in it empty   5 workers by the end of their leases
-- ARGV  1 the id   2 what to do: 'look', 'take', 'cancel' or 'replace'   3 the prefix of all keys   4 the queue
--       5 the list to look through, '' for the place that the index tells   6 the first, and 7 the last place in that
--       list, counted from where messages are put, or, if negative, from where they are taken
--       then to cancel it: who has said so, and why
--       or to replace it: the message as it is expected there, the key it goes to, the message as it is stored there,
--       when that is due in ms since 1970 or '' for a list, the signal of that list, and the queue it belongs to
-- Returns {} if it is not there, else {'ready', the list, its message, how many of its list are taken before it},
-- {'delayed', when it is due in ms, what stands there} or {'claimed', the worker, the number of its claim, 1 if somebody
-- has begun with it, the list, the message}; and {'other'} if another message is there than was expected.
-- What workers have is only looked at. To cancel it leaves a mark that holds until the message has left them for good:
-- whoever is given it from then on is told. What is cancelled before goes to the graveyard, until somebody has given
-- back what its job held.
-- Atomic: it was found where it was taken from.
-- INDEX
local id, what, prefix, queue = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local list, first, last = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])

local function is_it(message)
    if not string.find(message, id, 1, true) then
        return false
    end
    local readable, told = pcall(cjson.decode, message)
    local headers = readable and type(told) == 'table' and told.headers
    return type(headers) == 'table' and headers.id == id
end
-- Put the new message where it goes; false if that key holds something else.
local function put()
    local key, message, due, wake, to = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13]
    local done
    if due == '' then
        done = redis.pcall('LPUSH', key, message)
    else
        done = redis.pcall('ZADD', key, due, message)
    end
    if type(done) == 'table' and done.err then
        return done
    end
    unindexed(prefix, queue, id)
    local was_held = redis.pcall('SREM', held_in(prefix, queue), id) == 1
    if due == '' then
        pushed(prefix, to, key, id)
    else
        delayed_until(prefix, to, due, message, id)
        if was_held then
            redis.pcall('SADD', held_in(prefix, to), id)
        end
    end
    redis.pcall('ZADD', wake, 0, 'look')
    redis.pcall('PEXPIRE', wake, 60000)
end
-- Do what is to be done with what was found; *take* takes it out.
local function done(message, found, take)
    if what == 'look' then
        return found
    elseif what == 'take' or what == 'cancel' then
        if what == 'cancel' then -- first: what is refused here takes nothing
            local raw = found[1] == 'ready' and message or string.match(message, '^[^|]*|[^|]*|(.*)$')
            redis.call('LPUSH', prefix .. 'leased:graveyard', '\1' .. ARGV[8] .. '\0' .. queue .. '\0' .. raw)
        end
        take()
        left(prefix, queue, id)
        redis.pcall('SREM', held_in(prefix, queue), id)
        return found
    elseif message ~= ARGV[8] then
        return {'other'}
    end
    local refused = put()
    if refused then
        return refused
    end
    take()
    return found
end
local function look_through(key, from, to)
    local messages = redis.pcall('LRANGE', key, from, to)
    if messages.err then
        return nil
    end
    for i, message in ipairs(messages) do
        if is_it(message) then
            local place = from + i - 1
            local before = redis.call('LLEN', key) - place - 1
            return done(message, {'ready', key, message, before}, function()
                if what == 'replace' and key == ARGV[9] and ARGV[11] == '' then
                    place = place + 1 -- the new one stands before it
                end
                redis.call('LSET', key, place, GONE)
                redis.call('HINCRBY', KEYS[4], key, 1)
            end)
        end
    end
end
local function look_in_delayed(due, since)
    local from = redis.call('ZCOUNT', KEYS[3], '-inf', '(' .. due)
    local to = from + redis.call('ZCOUNT', KEYS[3], due, due) - 1
    while to - from > 16 do -- those of the same moment stand in the order in which they were put there
        local middle = math.floor((from + to) / 2)
        if string.sub(redis.call('ZRANGE', KEYS[3], middle, middle)[1], 1, 20) < since then
            from = middle + 1
        else
            to = middle
        end
    end
    for _, member in ipairs(redis.call('ZRANGE', KEYS[3], from, to + 16)) do
        if string.match(member, '^%d+:([^|]*)|') == id then
            local score = redis.call('ZSCORE', KEYS[3], member)
            return done(member, {'delayed', score, member}, function()
                redis.call('ZREM', KEYS[3], member)
            end)
        end
    end
end

if list ~= '' then
    local length = first < 0 and redis.call('LLEN', list) or 0 -- negative places are counted from the other end
    if first < 0 then
        first, last = math.max(0, length + first), length + last
    end
    return look_through(list, first, last) or {}
end
local hint = redis.call('HGET', KEYS[1], id)
if hint then
    local due, since = string.match(hint, '^due|(%d+)|(%d+)$')
    local serial, key = string.match(hint, '^(%d+)|(.*)$')
    local found
    if due then
        found = look_in_delayed(due, since)
    elseif serial then
        local place = (redis.call('HGET', KEYS[2], key) or 0) - serial
        found = look_through(key, math.max(0, place - 16), place + 16)
        if not found then -- it came back from a worker: then it is one of those that are taken next
            local length = redis.pcall('LLEN', key)
            found = type(length) == 'number' and look_through(key, math.max(0, length - 128), length - 1)
        end
    end
    if found then
        return found
    end
end
for _, worker in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
    local claims = redis.call('HGETALL', prefix .. 'leased:claimed:' .. worker)
    for i = 1, #claims, 2 do
        local from, message = string.match(claims[i + 1], '^([^%z]+)%z(.*)$')
        if from and is_it(message) then
            local ahead = redis.call('SISMEMBER', prefix .. 'leased:ahead:' .. worker, claims[i])
            if what == 'cancel' then
                redis.call('HSETNX', prefix .. 'leased:cancelled', id, ARGV[8])
                redis.call('PEXPIRE', prefix .. 'leased:cancelled', 604800000)
            end
            return {'claimed', worker, claims[i], 1 - ahead, from, message}
        end
    end
end
return {}
